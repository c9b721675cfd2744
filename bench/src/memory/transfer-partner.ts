import { parentPort } from 'node:worker_threads';

let last = 0;
parentPort?.on('message', (bytes: Uint8Array<ArrayBuffer>) => {
  last = bytes[0] as number;
  parentPort?.postMessage(bytes, [bytes.buffer]);
});
// Read, as the other sides do.
process.on('exit', () => last);

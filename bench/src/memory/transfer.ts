import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { target } from '@aiopipe/process';
import { runLaps, type Laps } from '../harness/laps.js';
import { type Frames } from './ours.js';

/** As `ring` of ours with one segment: an ArrayBuffer is transferred to a thread and back. */
export const transfer = target(import.meta.url, 'transfer', async (laps: Laps, { size }: Frames) => {
  const worker = new Worker(new URL('./transfer-partner.js', import.meta.url));
  let bytes = new Uint8Array(size).fill(1);
  await runLaps(laps, async (amount) => {
    for (let i = 0; i < amount; i++) {
      bytes[0] = i;
      worker.postMessage(bytes, [bytes.buffer]);
      [bytes] = (await once(worker, 'message')) as [typeof bytes];
    }
  });
  await worker.terminate();
});

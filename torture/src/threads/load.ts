// Loads the binding in a thread of its own, uses it, and ends in the way that it is told.
import { parentPort, workerData } from 'node:worker_threads';
import { aioduplex, aiopipe } from '@aiopipe/core';

const [rx, tx] = aiopipe();
const [reader, writer] = [rx.open(), tx.open()];
await writer.write('something\n');
await reader.readLine();
// These are left to the end of the thread.
aioduplex().forEach((end) => end.open());
void reader.read().catch(() => undefined);

if (workerData === 'throws') throw new Error('on purpose');
if (workerData === 'exits') process.exit();
parentPort?.postMessage('begun');

// Loads the binding in threads that end, one after the other: `node loads.js <loads> <seed>`. Prints a line for each thread
// that has ended, and the failures. This thread does not load it.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { leakCheck, randomFrom } from '@aiopipe/testing';

/** Loads before the first look at the memory: V8 and the allocator keep the memory that these took. */
const WARM_UP = 20;
/** Bytes that one load may leave. A thread that loads nothing leaves some as well. */
const MOST_LEFT = 200_000;

async function loadMany(loads: number, seed: number): Promise<void> {
  const random = randomFrom(seed);
  const nothingIsLeft = leakCheck();
  const isLoaded = () => readFileSync('/proc/self/maps', 'utf8').includes('/aiopipe.');
  let before = 0;
  for (let load = 0; load < loads; load++) {
    if (load === WARM_UP) before = process.memoryUsage.rss();
    await loadOnce(['exits', 'throws', 'is terminated'][Math.floor(random() * 3)] as string);
    process.stdout.write(isLoaded() ? 'it is loaded, and no thread uses it any more\n' : 'ended\n');
  }
  const left = (process.memoryUsage.rss() - before) / (loads - WARM_UP);
  process.stdout.write(left > MOST_LEFT ? `each load leaves ${left.toFixed(0)} bytes\n` : '');
  await nothingIsLeft().catch((error: unknown) => {
    process.stdout.write(`${String(error)}\n`);
  });
}

async function loadOnce(how: string): Promise<void> {
  const worker = new Worker(fileURLToPath(new URL('./load.js', import.meta.url)), { workerData: how });
  worker.on('error', () => undefined);
  worker.on('message', () => void worker.terminate());
  await new Promise((resolve) => worker.on('exit', resolve));
}

const [loads, seed] = process.argv.slice(2);
await loadMany(Number(loads), Number(seed));

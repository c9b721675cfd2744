// Ends threads at random moments while they work: `node kills.js <work> <threads> <seed>`. Prints a line for each
// thread that has ended, and at the end the descriptors and processes that are left, if there are any.
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { leakCheck, randomFrom } from '@aiopipe/testing';

/** The file with the threads' work. `control`: the same kinds of work by Node alone, without the binding. */
type Work = 'work' | 'control';

/** Milliseconds after which a thread is ended at the latest. Most threads work by then; some still load. */
const LONGEST = 40;

async function endMany(work: Work, threads: number, seed: number): Promise<void> {
  const random = randomFrom(seed);
  const nothingIsLeft = leakCheck();
  for (let n = 0; n < threads; n++) {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: work });
    worker.on('error', (error) => {
      process.stdout.write(`a thread failed: ${String(error.stack)}\n`);
    });
    // Most are ended while they work; some while they load.
    if (random() < 0.8) await once(worker, 'message');
    await new Promise((resolve) => setTimeout(resolve, random() * LONGEST));
    await worker.terminate();
    process.stdout.write('ended\n');
  }
  // Programs that a thread has started by child_process stay zombies when it is ended.
  if (work === 'control') return;
  await nothingIsLeft().catch((error: unknown) => {
    process.stdout.write(`${String(error)}\n`);
  });
}

if (isMainThread) {
  const [work, threads, seed] = process.argv.slice(2);
  await endMany(work as Work, Number(threads), Number(seed));
} else {
  const parts = workerData === 'work' ? await import('./work.js') : await import('./control.js');
  for (const part of Object.values(parts)) void part();
  parentPort?.postMessage('begun');
}

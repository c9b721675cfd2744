import { Worker } from 'node:worker_threads';
import { randomFrom } from '../random.js';

/** Milliseconds after which a world hangs. One takes a few of them. */
const LIMIT = 60_000;

/**
 * Runs worlds of a simulation until they have made AIOPIPE_STEPS (or `steps`) steps together. Each world has a seed of its own. An error
 * names it: AIOPIPE_SEED begins with that world. It also names the first seed of the run, in case the failure depends on earlier worlds.
 * A world that hangs ends the process, after its seed was printed.
 *
 * @param each - the steps of one world
 */
export async function runSchedules(
  { steps, each }: { readonly steps: number; readonly each: number },
  world: (random: () => number, steps: number) => Promise<void>,
): Promise<void> {
  const all = Number(process.env['AIOPIPE_STEPS'] ?? steps);
  const first = Number(process.env['AIOPIPE_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
  const { user: before } = process.cpuUsage();
  const begin = performance.now();
  let seed = first;
  using watch = new Watch();
  for (let done = 0; done < all; done += each, seed = (seed + 1) >>> 0) {
    watch.next(seed);
    try {
      await world(randomFrom(seed), each);
    } catch (error) {
      const about = `AIOPIPE_SEED=${String(seed)}, after ${String(done)} steps from ${String(first)}`;
      throw new Error(`${about}: ${(error as Error).message}`, { cause: error });
    }
  }
  if (process.env['AIOPIPE_STEPS'] === undefined) return;
  const perMinute = (milliseconds: number) => Math.round((all / milliseconds) * 60_000).toLocaleString('en');
  const ofCpu = (process.cpuUsage().user - before) / 1000;
  process.stdout.write(
    `${perMinute(performance.now() - begin)} steps a minute, ${perMinute(ofCpu)} of processor time\n`,
  );
}

/** Watches from another thread: a world may hang in a loop that lets nothing else run. */
class Watch {
  /** How many worlds have begun, and the seed of the last one. */
  readonly #shared = new Uint32Array(new SharedArrayBuffer(8));
  readonly #thread = new Worker(
    `const { workerData: { shared, limit } } = require('node:worker_threads');
    let seen = 0;
    setInterval(() => {
      const [count, seed] = shared;
      if (count === seen) {
        require('node:fs').writeSync(2, 'AIOPIPE_SEED=' + seed + ' hangs\\n');
        process.kill(process.pid, 'SIGKILL');
      }
      seen = count;
    }, limit);`,
    { eval: true, workerData: { shared: this.#shared, limit: LIMIT } },
  );

  constructor() {
    this.#thread.unref();
  }

  next(seed: number): void {
    this.#shared[1] = seed;
    this.#shared[0] = (this.#shared[0] as number) + 1;
  }

  [Symbol.dispose](): void {
    void this.#thread.terminate();
  }
}

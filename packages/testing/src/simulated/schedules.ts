import { randomFrom } from '../random.js';

/**
 * Runs worlds of a simulation until they have made AIOPIPE_STEPS (or `steps`) steps together. Each world has a seed of its own. An error
 * names it: AIOPIPE_SEED begins with that world. It also names the first seed of the run, in case the failure depends on earlier worlds.
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
  for (let done = 0; done < all; done += each, seed = (seed + 1) >>> 0) {
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

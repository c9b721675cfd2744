import { AiopipeError } from '@aiopipe/core';
import { ChildError, Pool, startProcess } from '@aiopipe/process';
import { Coverage } from '../fuzz/coverage.js';
import { echo, saysAnything } from '../hostile-targets.js';
import { misbehaves } from '../hostile-workers.js';
import { type Episode } from './episode.js';

export const hostileChildren: Episode = {
  about: 'children that send anything on their control channel: only they end, and others are not touched',
  async run(world) {
    const coverage = new Coverage();
    await using pool = new Pool(echo, { size: 1, intensity: 1000, options: { stderr: 'ignore' } });
    await Promise.all(
      Array.from({ length: world.between(1, 4) }, async () => {
        const seed = world.between(0, 1e9);
        world.fault('a hostile child');
        const child = startProcess(saysAnything, { args: [seed], stderr: 'ignore' });
        const [result] = await Promise.allSettled([child.result]);
        const isOurs = result.status === 'fulfilled' || result.reason instanceof AiopipeError;
        world.check(isOurs, `result: ${String(result.status === 'rejected' ? result.reason : '')}`);
        await child.join().catch(() => undefined);
        world.count('starts');
      }),
    );
    for (let n = 0; n < 50; n++) {
      world.check((await pool.run(n)) === n, 'a task beside hostile children got another result');
      world.count('tasks');
    }
    world.tellCoverage(coverage);
  },
};

export const hostileWorkers: Episode = {
  about: 'workers that answer what they were not asked: only they end, and no task gets a value that is not its own',
  async run(world) {
    const coverage = new Coverage();
    const settings = { intensity: 1000, retries: 100, options: { stderr: 'ignore' } } as const;
    await using pool = new Pool(misbehaves, { ...settings, size: world.between(1, 3) });
    const count = world.between(10, 200);
    world.at('waiting for all tasks');
    await Promise.all(
      Array.from({ length: count }, async (_, n) => {
        const isHostile = world.between(0, 19) === 0;
        try {
          if (isHostile) {
            world.fault('a hostile task');
            // A forged message may be a right answer to its own task. Its worker may never return, so the call has a timeout.
            const value = await pool.with({ timeout: 3000, retries: 0 }).run(n, world.between(0, 1e9));
            world.check(value === n || value === FORGED, `hostile task ${String(n)} got ${String(value)}`);
          } else {
            const value = await pool.run(n);
            world.check(value === n, `task ${String(n)} got ${String(value)}`);
          }
        } catch (error) {
          world.check(isHostile && error instanceof AiopipeError, `task ${String(n)}: ${describe(error)}`);
        }
        world.count('tasks');
      }),
    );
    world.at('closing the pool');
    world.tellCoverage(coverage);
  },
};

/** The value in a hostile task's own answers. */
const FORGED = -1;

const describe = (error: unknown): string => {
  const { stack, cause } = error as Error;
  return `${String(stack)}${cause instanceof ChildError ? `; because of ${cause.message}` : ''}`;
};

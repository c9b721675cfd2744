import { ChildError, Pool } from '@aiopipe/process';
import { harmer } from '../kill.js';
import { checksum, items, work } from '../targets.js';
import { type Episode } from './episode.js';

export const poolKills: Episode = {
  about: 'a pool whose workers are killed and stopped: each task settles once, with its own result',
  async run(world) {
    const retries = world.pick([0, 3, 100]);
    const size = world.between(1, 4);
    const settings = { retries, cancelGrace: 200, intensity: 1000, options: { stderr: 'ignore' } } as const;
    const pool = new Pool(work, { ...settings, size: world.pick([size, { min: 0, max: size }]) });
    const streams = new Pool(items, { ...settings, size: 1 });
    const stop = harmer(world, world.between(1, 20));

    const tasks = Array.from({ length: world.between(1, 200) }, async (_, id) => {
      const size = world.between(0, 20) === 0 ? 300_000 : world.between(0, 100);
      try {
        const result = await pool.run(id, world.between(0, 10) === 0 ? world.between(1, 30) : 0, size);
        const isRight = result.id === id && result.sum === checksum(id, size) && result.fill.length === size;
        world.check(isRight, `task ${String(id)} got the result of task ${String(result.id)}`);
      } catch (error) {
        const isLoss = error instanceof ChildError && error.code === 'ERR_AIOPIPE_NO_RESULT' && retries < 100;
        world.check(isLoss, `task ${String(id)} with ${String(retries)} retries: ${String(error)}`);
      }
      world.count('tasks');
    });
    const streamed = Array.from({ length: world.between(0, 3) }, async (_, id) => {
      let next = 0;
      try {
        for await (const item of streams.stream(id, 500)) {
          world.check(
            item.id === id && item.n === next,
            `stream ${String(id)}: item ${String(item.n)} for ${String(next)}`,
          );
          next++;
        }
        world.check(next === 500, `stream ${String(id)} ended after ${String(next)} items`);
      } catch (error) {
        world.check(error instanceof ChildError, `stream ${String(id)}: ${String(error)}`);
      }
      world.count('messages', next);
    });
    world.at('waiting for all tasks');
    await Promise.all([...tasks, ...streamed]);
    stop();
    world.at('closing the pool');
    await Promise.all([pool.close(), streams.close()]);
    const { completed, failed, cancelled } = pool.stats;
    world.check(completed + failed + cancelled === tasks.length, 'stats count each task once');
  },
};

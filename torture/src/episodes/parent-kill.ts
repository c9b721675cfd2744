import { Pool, startProcess, Supervisor } from '@aiopipe/process';
import { pipeline } from '@aiopipe/subprocess';
import { compiled } from '../compiled.js';
import { harmer } from '../kill.js';
import { serve, work } from '../targets.js';
import { type Episode } from './episode.js';
import { type World } from '../world.js';

async function startAll(world: World): Promise<void> {
  const options = { stderr: 'ignore' } as const;
  const pool = new Pool(work, { size: 2, retries: 1000, intensity: 1000, options });
  const supervisor = new Supervisor([{ id: 'a', target: serve, options }], { intensity: 1000 });
  void supervisor.start().catch(() => undefined);
  void startProcess(serve, options).result.catch(() => undefined);
  void startProcess(serve, { ...options, daemon: true }).result.catch(() => undefined);
  void pipeline(['sleep', '60'], ['cat'])
    .run()
    .catch(() => undefined);
  // The parent's end finds some of them stopped.
  harmer(world, 8);
  for (let n = 0; ; n++) {
    await Promise.allSettled([pool.run(n, 5, 10), pipeline(['sleep', '60'], ['cat']).run({ timeout: 20 })]);
    world.count('tasks');
    world.count('chains');
  }
}

const about = 'the parent itself is killed or stopped, and its guard perhaps: nothing that it started lives on';

export const parentKill: Episode = {
  about,
  killAfter: (world) => world.between(0, 3000),
  run: startAll,
};

export const parentKillInContainer: Episode = {
  about: `${about}, also if a container's init takes what it leaves behind`,
  lacks: () => (reaper() === undefined ? 'there is no C compiler (cc)' : undefined),
  wrapper: () => ({ words: [reaper() as string] }),
  killAfter: (world) => world.between(0, 3000),
  run: startAll,
};

const reaper = () => compiled('reaper.c', 'program');

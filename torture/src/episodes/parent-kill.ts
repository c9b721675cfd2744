import { Pool, startProcess, Supervisor } from '@aiopipe/process';
import { guardPids } from '@aiopipe/testing';
import { pipeline } from '@aiopipe/subprocess';
import { harmer } from '../kill.js';
import { serve, work } from '../targets.js';
import { type Episode } from './episode.js';

export const parentKill: Episode = {
  about: 'the parent itself gets SIGKILL, and its guard perhaps: nothing that it started lives on',
  killAfter: (world) => world.between(0, 3000),
  async run(world) {
    const options = { stderr: 'ignore' } as const;
    const pool = new Pool(work, { size: 2, options });
    const supervisor = new Supervisor([{ id: 'a', target: serve, options }], { intensity: 1000 });
    void supervisor.start().catch(() => undefined);
    void startProcess(serve, options).result.catch(() => undefined);
    void startProcess(serve, { ...options, daemon: true }).result.catch(() => undefined);
    harmer(world, 10, () => [...guardPids()]);
    for (let n = 0; ; n++) {
      await Promise.allSettled([pool.run(n, 5, 10), pipeline(['sleep', '60'], ['cat']).run({ timeout: 20 })]);
      world.count('tasks');
      world.count('chains');
    }
  },
};

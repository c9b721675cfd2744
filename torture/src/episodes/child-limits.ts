import { type Limits } from '@aiopipe/core';
import { startProcess } from '@aiopipe/process';
import { pipeline } from '@aiopipe/subprocess';
import { checksum, work } from '../targets.js';
import { Work } from '../workloads/work.js';
import { type World } from '../world.js';
import { type Episode } from './episode.js';

/** Limits under which a child may work, fail, or die in its boot. */
function anyLimits(world: World): Limits {
  const all: Limits = {
    memory: world.between(1, 400) * 1_000_000,
    cpuTime: 1,
    openFiles: world.between(0, 80),
    processes: world.between(1, 100),
    fileSize: world.between(0, 100_000),
    coreSize: 0,
    nice: world.between(0, 19),
    umask: world.between(0, 0o777),
    noNewPrivileges: true,
  };
  const chosen = Object.entries(all).filter(() => world.between(0, 3) === 0);
  // Deaths must not fill the disk.
  return { ...Object.fromEntries(chosen), coreSize: 0 };
}

export const childLimits: Episode = {
  about: 'children and programs with limits that are too low: right data or a clear error',
  async run(world) {
    const all = new Work(world, true);
    const start = async (id: number) => {
      const child = startProcess(work, { args: [id, 0, 100], stderr: 'ignore', limits: anyLimits(world) });
      const { sum } = await child.result;
      world.check(sum === checksum(id, 100), `child ${String(id)} returned another checksum`);
    };
    const chain = async (id: number) => {
      const stage = () => ({ argv: ['cat'], limits: anyLimits(world) });
      const input = Buffer.alloc(50_000, id);
      const { stdout } = await pipeline(stage(), stage()).run({ input, encoding: 'buffer' });
      world.check(stdout.equals(input), `chain ${String(id)} returned other bytes`);
    };
    world.fault('limits of children');
    world.at('starting children');
    await Promise.all(Array.from({ length: 4 }, (_, id) => all.may('a child with limits', () => start(id))));
    world.count('starts', 4);
    world.at('running chains');
    for (let id = 0; id < 20; id++) await all.may('a chain with limits', () => chain(id));
    world.count('chains', 20);
  },
};

import { channel } from '@aiopipe/codec';
import { startProcess } from '@aiopipe/process';
import { collectGarbage, sharedMappings, until } from '@aiopipe/testing';
import { harmer } from '../kill.js';
import { isLoss } from '../failures.js';
import { handOver, usesMemory, type Handed, type HandedBack } from '../peers/memory.js';
import { type World } from '../world.js';
import { type Episode } from './episode.js';

export const memory: Episode = {
  about:
    'shared memory moves through children that are killed, and is shared with them: the right pages, and none stay mapped',
  async run(world) {
    const before = sharedMappings().length;
    const stop = harmer(world, world.pick([0, 2, 10]));
    world.at('moving and sharing');
    await Promise.all(Array.from({ length: world.between(1, 3) }, (_, index) => oneChild(world, index * 1000)));
    stop();
    world.at('looking for mappings');
    await collectGarbage();
    await until('no memory is mapped', () => sharedMappings().length <= before).catch(() => {
      world.check(false, `left mapped: ${sharedMappings().join('\n')}`);
    });
  },
};

/** Hands memory to a child, and takes it back, until the child has ended. */
async function oneChild(world: World, firstId: number): Promise<void> {
  const [here, there] = channel<Handed, HandedBack>({ duplex: true });
  using _there = there;
  using own = here;
  const child = startProcess(usesMemory, { args: [there], stderr: 'ignore' });
  child.result.catch(() => undefined);
  let isLost = false;
  try {
    const last = firstId + world.between(1, 150);
    for (let id = firstId; id < last; id++) await handOver(world, own, id);
  } catch (error) {
    isLost = isLoss(error);
    world.check(isLost, `memory: ${String((error as Error).stack)}`);
  }
  own[Symbol.dispose]();
  const { exitCode } = (await child.join({ timeout: 30_000 })) ?? {};
  world.check(!isLost || exitCode !== 0, 'the channel ended, and the child exited with 0');
}

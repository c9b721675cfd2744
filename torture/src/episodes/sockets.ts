import { harmer } from '../kill.js';
import { SocketWorkers } from '../peers/sockets.js';
import { type Episode } from './episode.js';

export const sockets: Episode = {
  about:
    'connections move among workers that are killed, and a server is shared with them: only their own connections break',
  async run(world) {
    await using workers = new SocketWorkers(world);
    await workers.start();
    const pids = workers.handles.map(({ pid }) => pid as number);
    const stop = harmer(world, world.pick([0, 1, 2]), () => pids);
    world.at('waiting for all connections');
    const broken = await workers.exchange(world.between(1, 60));
    stop();
    world.at('waiting for the workers');
    const ends = await workers.end();
    const killed = pids.filter((_, index) => ends[index]?.exitCode !== 0);
    for (const { what, pids: guilty } of broken) {
      world.check(
        killed.some((pid) => guilty.includes(pid)),
        `${what}, and its worker was not killed`,
      );
    }
  },
};

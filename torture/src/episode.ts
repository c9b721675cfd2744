// One episode, in a process of its own: `node episode.js <name> <seed>`.
import { childPids, fdsSince, leakCheck, openFds } from '@aiopipe/testing';
import { isChild } from '@aiopipe/process';
import { episodes } from './episodes/index.js';
import { World } from './world.js';

async function main(): Promise<void> {
  const [name = '', seed = '0'] = process.argv.slice(2);
  const world = new World(Number(seed));
  world.begin();
  const episode = episodes.get(name);
  if (episode === undefined) throw new Error(`no episode ${name}`);
  process.on('uncaughtException', (error) => {
    world.check(false, `an exception that nothing caught: ${String(error.stack)}`);
    process.exit(1);
  });
  const nothingIsLeft = leakCheck();
  const before = { fds: openFds(), pids: childPids() };
  await episode.run(world);
  world.at('looking for what is left');
  await nothingIsLeft().catch((error: unknown) => {
    world.check(false, String(error));
  });
  const pids = childPids().filter((pid) => !before.pids.includes(pid));
  world.done(fdsSince(before.fds).length, pids.length);
}

if (!isChild()) await main();

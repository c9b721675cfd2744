// One episode, in a process of its own: `node episode.js <name> <seed>`.
import { leakCheck } from '@aiopipe/testing';
import { isChild } from '@aiopipe/process';
import { episodes } from './episodes/index.js';
import { World } from './world.js';

async function main(): Promise<void> {
  const [name = '', seed = '0'] = process.argv.slice(2);
  const world = new World(Number(seed));
  const episode = episodes.get(name);
  if (episode === undefined) throw new Error(`no episode ${name}`);
  process.on('uncaughtException', (error) => {
    world.check(false, `an exception that nothing caught: ${String(error.stack)}`);
    process.exit(1);
  });
  const nothingIsLeft = leakCheck();
  await episode.run(world);
  world.at('looking for what is left');
  await nothingIsLeft().catch((error: unknown) => {
    world.check(false, String(error));
  });
  world.done();
}

if (!isChild()) await main();

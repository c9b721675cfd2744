import { createHash } from 'node:crypto';
import { channel } from '@aiopipe/codec';
import { AiopipeError, aiopipe } from '@aiopipe/core';
import { Pool, startProcess } from '@aiopipe/process';
import { pipeline } from '@aiopipe/subprocess';
import { checksum, digest, mirror, work } from './targets.js';
import { type World } from './world.js';

/** A part of the work ended with an error. It may, but the error must be one of ours, with a code. */
function checkError(world: World, what: string, error: unknown): void {
  const isOurs = error instanceof AiopipeError && typeof error.code === 'string' && error.message !== '';
  world.check(isOurs, `${what}: ${String((error as Error | undefined)?.stack ?? error)}`);
}

async function part(world: World, what: string, run: () => Promise<void>): Promise<void> {
  world.at(what);
  try {
    await run();
  } catch (error) {
    checkError(world, what, error);
  }
}

/** Something of some layers, each with data that can be checked. */
export async function everyKindOfWork(world: World): Promise<void> {
  const parts = [copy, tasks, chain, messages];
  for (let n = 0; n < 3; n++) {
    const next = world.pick(parts);
    await part(world, next.name, () => next(world));
  }
}

/** A pipe into a child, with a checksum. */
async function copy(world: World): Promise<void> {
  const bytes = Buffer.alloc(world.between(0, 3_000_000), 7);
  const [rx, tx] = aiopipe();
  using _rx = rx;
  using _tx = tx;
  const child = startProcess(digest, { args: [rx], stderr: 'ignore' });
  const result = child.result;
  result.catch(() => undefined);
  await using writer = tx.open();
  await writer.write(bytes).catch((error: unknown) => {
    checkError(world, 'a write', error);
  });
  await writer.close().catch((error: unknown) => {
    checkError(world, 'a close', error);
  });
  const { bytes: count, hash } = await result;
  const isWhole = count === bytes.length && hash === createHash('sha1').update(bytes).digest('hex');
  world.check(
    isWhole || count < bytes.length,
    `the copy has ${String(count)} bytes of ${String(bytes.length)}, or others`,
  );
  world.count('bytes', count);
}

async function tasks(world: World): Promise<void> {
  await using pool = new Pool(work, { size: 2, intensity: 5, options: { stderr: 'ignore' } });
  await Promise.all(
    Array.from({ length: 20 }, async (_, id) => {
      try {
        const result = await pool.run(id, 0, 100);
        world.check(result.id === id && result.sum === checksum(id, 100), `task ${String(id)} got another result`);
      } catch (error) {
        checkError(world, 'a task', error);
      }
      world.count('tasks');
    }),
  );
}

async function chain(world: World): Promise<void> {
  const input = Buffer.alloc(world.between(0, 500_000), 3);
  const { stdout } = await pipeline(['cat'], ['cat'], ['sha1sum']).run({ input });
  const expected = createHash('sha1').update(input).digest('hex');
  world.check(stdout.slice(0, 40) === expected, 'a chain returned another checksum');
  world.count('chains');
}

async function messages(world: World): Promise<void> {
  const [here, there] = channel<number, number>({ duplex: true });
  using _there = there;
  using own = here;
  const child = startProcess(mirror, { args: [there], stderr: 'ignore' });
  child.result.catch(() => undefined);
  for (let n = 0; n < 100; n++) {
    await own.put(n);
    const answer = await own.get();
    world.check(answer === n, `message ${String(answer)} came in place of ${String(n)}`);
    world.count('messages');
  }
}

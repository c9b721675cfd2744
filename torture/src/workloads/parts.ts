// Work of the first layers: pipes, channels, children, pools and chains.
import { createHash } from 'node:crypto';
import { channel, type ChannelReader, type ChannelWriter } from '@aiopipe/codec';
import { aiopipe, type ReadEnd } from '@aiopipe/core';
import { Pool, startProcess } from '@aiopipe/process';
import { pipeline } from '@aiopipe/subprocess';
import { checksum, digest, mirror, opens, relay, takesEnds, work } from '../targets.js';
import { type World } from '../world.js';
import { amount, type Part, type Work } from './work.js';

/** A pipe into a child, with a checksum. */
async function copy(world: World, all: Work): Promise<void> {
  const bytes = Buffer.alloc(world.between(0, 3_000_000), 7);
  const [rx, tx] = aiopipe();
  using _rx = rx;
  using _tx = tx;
  const child = startProcess(digest, { args: [rx], stderr: 'ignore' });
  const result = child.result;
  result.catch(() => undefined);
  await using writer = tx.open();
  await all.may('a write', () => writer.write(bytes));
  await all.may('a close', () => writer.close());
  const { bytes: count, hash } = await result;
  const isWhole = count === bytes.length && hash === createHash('sha1').update(bytes).digest('hex');
  world.check(
    isWhole || count < bytes.length,
    `the copy has ${String(count)} bytes of ${String(bytes.length)}, or others`,
  );
  world.count('bytes', count);
}

async function tasks(world: World, all: Work): Promise<void> {
  await using pool = new Pool(work, { size: 2, intensity: 5, options: { stderr: 'ignore' } });
  await Promise.all(
    Array.from({ length: amount(world, 20, 1000) }, async (_, id) => {
      await all.may('a task', async () => {
        const result = await pool.run(id, 0, 100);
        world.check(result.id === id && result.sum === checksum(id, 100), `task ${String(id)} got another result`);
      });
      world.count('tasks');
    }),
  );
}

async function tasksThatReturnEnds(world: World, all: Work): Promise<void> {
  await using pool = new Pool(opens, { size: 2, retries: 1, intensity: 5, options: { stderr: 'ignore' } });
  await Promise.all(
    Array.from({ length: amount(world, 20, 300) }, async (_, id) => {
      await all.may('a task that returns an end', async () => {
        await using reader = (await pool.run(id)).open();
        world.check(String(await reader.read()) === `end ${String(id)}`, `task ${String(id)} returned another end`);
      });
      world.count('tasks');
    }),
  );
}

async function startsWithEnds(world: World, all: Work): Promise<void> {
  const start = async () => {
    const ends: ReadEnd[] = [];
    const count = world.between(0, 30);
    try {
      for (let n = 0; n < count; n++) {
        const [rx, tx] = aiopipe();
        ends.push(rx);
        tx.close();
      }
      const child = startProcess(takesEnds, { args: [ends], stderr: 'ignore' });
      world.check((await child.result) === count, 'a child got another number of ends');
    } finally {
      for (const end of ends) end[Symbol.dispose]();
    }
    world.count('starts');
  };
  await Promise.all(Array.from({ length: world.between(1, 5) }, () => all.may('a start', start)));
}

export async function chain(world: World): Promise<void> {
  const input = Buffer.alloc(world.between(0, 500_000), 3);
  const { stdout } = await pipeline(['cat'], ['cat'], ['sha1sum']).run({ input });
  const expected = createHash('sha1').update(input).digest('hex');
  world.check(stdout.slice(0, 40) === expected, 'a chain returned another checksum');
  world.count('chains');
}

/** Sends messages to a child and back, one by one. */
async function questions(world: World): Promise<void> {
  const [here, there] = channel<number, number>({ duplex: true });
  using _there = there;
  using own = here;
  const child = startProcess(mirror, { args: [there], stderr: 'ignore' });
  child.result.catch(() => undefined);
  const count = amount(world, 100, 10_000);
  for (let n = 0; n < count; n++) {
    await own.put(n);
    const answer = await own.get();
    world.check(answer === n, `message ${String(answer)} came in place of ${String(n)}`);
  }
  world.count('messages', count);
}

/** Sends messages through a child, as fast as possible. */
async function messages(world: World, all: Work): Promise<void> {
  const [intoChild, toChild] = channel<unknown>();
  using _into = intoChild;
  const [fromChild, outOfChild] = channel<unknown>();
  using _out = outOfChild;
  const child = startProcess(relay, { args: [intoChild, outOfChild], stderr: 'ignore' });
  child.result.catch(() => undefined);
  const count = amount(world, 2000, 100_000);
  const sent = all.may('sending', () => sendAll(toChild, count));
  await all.may('receiving', async () => {
    using from = fromChild;
    await receiveAll(world, from, count);
  });
  await sent;
}

async function sendAll(to: ChannelWriter<unknown>, count: number): Promise<void> {
  using _to = to;
  for (let n = 0; n < count; n++) await to.put({ n, text: `message ${String(n)}` });
  await to.drain();
}

async function receiveAll(world: World, from: ChannelReader<unknown>, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const message = (await from.get()) as { n: number; text: string };
    world.check(message.n === n && message.text === `message ${String(n)}`, `message ${String(n)} is another one`);
    if (n % 1000 === 999) world.count('messages', 1000);
  }
}

export const PARTS: readonly Part[] = [copy, tasks, tasksThatReturnEnds, startsWithEnds, chain, questions, messages];

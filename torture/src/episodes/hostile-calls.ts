import { setImmediate as turn } from 'node:timers/promises';
import { AiopipeError, aioduplex, aiopipe } from '@aiopipe/core';
import { Channel, channel, EncodeError, expose, serialize, type Remote } from '@aiopipe/codec';
import { collectGarbage, until } from '@aiopipe/testing';
import { CallGrammar } from '../fuzz/call-grammar.js';
import { Coverage } from '../fuzz/coverage.js';
import { mutated } from '../fuzz/mutate.js';
import { serveCalls, type Answers } from '../peers/calls.js';
import { type World } from '../world.js';
import { type Episode } from './episode.js';

/** Bytes of one answer to a peer that reads none, and of all that may wait for it: the queue's limit, and some more. */
const ANSWER = 64 * 1024;
const MAY_WAIT = 200 * 1024 * 1024;

export const hostileCalls: Episode = {
  about:
    'peers of calls with forged ids, wrong forms and damaged bytes, or that read no answers: only their channel ends',
  async run(world) {
    const coverage = new Coverage();
    for (let round = 0; round < 40; round++) {
      world.at(`messages of round ${String(round)}`);
      await messages(world);
      world.at(`bytes of round ${String(round)}`);
      await bytes(world);
    }
    world.fault('hostile peers of calls', 80);
    world.tellCoverage(coverage);
    world.at('a peer that reads no answers');
    await deaf(world);
  },
};

/** A peer whose messages a channel carries, with handles perhaps. */
async function messages(world: World): Promise<void> {
  const [raw, there] = channel<unknown>({ duplex: true });
  await withVictim(world, there, async (isOver) => {
    const grammar = new CallGrammar(world);
    const answers = new Set<unknown>();
    const heard = (async () => {
      for await (const message of raw) answers.add((message as readonly unknown[])[1]);
    })().catch(() => undefined);
    for (let n = world.between(1, 60); n > 0; n--) {
      await raw.put(grammar.message()).catch(() => undefined); // the other side has closed
      if (world.between(0, 3) === 0) await turn();
    }
    await raw.put([1, LAST, 'generators', []]).catch(() => undefined);
    await until('the last call is answered, or the channel has ended', () => answers.has(LAST) || isOver());
    raw[Symbol.dispose]();
    await heard;
  });
}

/** The id of a call that no hostile one exceeds. */
const LAST = 2 ** 52;

/** A peer whose bytes are damaged, or cut. */
async function bytes(world: World): Promise<void> {
  const [near, far] = aioduplex();
  await withVictim(world, Channel.from(near), async () => {
    const stream = far.open();
    const grammar = new CallGrammar(world);
    const stop = new AbortController();
    const heard = stream.reader.read(undefined, { signal: stop.signal }).catch(() => undefined);
    for (let n = world.between(1, 20); n > 0; n--) {
      const frame = framed(grammar);
      await stream.writer.write(world.between(0, 3) === 0 ? mutated(world, frame) : frame).catch(() => undefined);
      if (world.between(0, 3) === 0) await turn();
    }
    stop.abort();
    await heard;
    await stream.close().catch(() => undefined); // the other side has closed
  });
}

function framed(grammar: CallGrammar): Buffer {
  try {
    const payload = serialize(grammar.message());
    const header = Buffer.alloc(4);
    header.writeUInt32BE(payload.length);
    return Buffer.concat([header, payload]);
  } catch (error) {
    // A message with an end, which bytes alone cannot carry.
    if (error instanceof EncodeError) return Buffer.alloc(0);
    throw error;
  }
}

/** Calls the peer, and serves its calls, while `attack` runs. When the peer has gone, all calls must be over. */
async function withVictim(
  world: World,
  own: Channel<never, unknown>,
  attack: (isOver: () => boolean) => Promise<void>,
): Promise<void> {
  using victim = own;
  const { remote, answers, exposed } = serveCalls(victim, { maxCalls: world.pick([3, 1000]) });
  let isOver = false;
  const ended = exposed.closed.then(
    () => (isOver = true),
    (error: unknown) => {
      isOver = true;
      world.check(error instanceof AiopipeError, `a hostile peer ended calls with ${String((error as Error).stack)}`);
    },
  );
  const calls = Promise.allSettled(callAll(remote));
  await attack(() => isOver);
  await ended;
  // A forged answer is one, too.
  await calls;
  await until('all generators have ended', () => answers.generators() === 0);
  world.count('calls');
}

function callAll(remote: Remote<Answers>): Promise<unknown>[] {
  const [rx, tx] = aiopipe();
  tx.close();
  const take = async () => {
    for await (const item of remote.items(1, 5)) void item;
  };
  return [
    remote.echo(1, 1),
    remote.late.with({ timeout: 20 })(2, 1),
    remote.asks(2, (n) => Promise.resolve(n)),
    remote.reads(rx),
    take(),
    take(),
  ];
}

/** What waits for a peer that reads no answers is bounded. */
async function deaf(world: World): Promise<void> {
  const [raw, there] = channel<unknown>({ duplex: true });
  using peer = raw;
  using victim = there;
  const exposed = expose(victim, { large: () => Promise.resolve(Buffer.alloc(ANSWER, 1)) });
  const before = process.memoryUsage().arrayBuffers;
  for (let id = 1; id <= (3 * MAY_WAIT) / ANSWER; id++) {
    const put = peer.put([1, id, 'large', []]);
    if (id % 100 === 0) await put.catch(() => undefined); // the other side may end the channel
  }
  for (let n = 0; n < 50; n++) await turn();
  await collectGarbage();
  const grown = process.memoryUsage().arrayBuffers - before;
  world.check(grown < MAY_WAIT, `${String(grown)} bytes wait for a peer that reads no answers`);
  peer[Symbol.dispose]();
  await exposed.closed.catch(() => undefined);
  world.fault('peers that read no answers');
}

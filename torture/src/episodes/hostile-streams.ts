import { setImmediate as turn } from 'node:timers/promises';
import { aioduplex, AiopipeError, type DuplexEnd } from '@aiopipe/core';
import { Channel, channel, serialize } from '@aiopipe/codec';
import { VALUES } from '../fuzz/mutate.js';
import { recorded } from '../fuzz/recorded.js';
import { type World } from '../world.js';
import { type Episode } from './episode.js';

/** Bytes. */
const MAX_FRAME = 100_000;
/** Milliseconds that the event loop may stand still while a peer floods a channel. A busy machine takes some of them. */
const MAY_STAND = 5000;

function framed(payload: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(payload.length);
  return Buffer.concat([header, payload]);
}

/** Our end of a channel, and the other end's stream, on which a peer may write anything. */
function tapped(): { own: Channel<unknown, unknown>; far: ReturnType<DuplexEnd['open']> } {
  const [near, far] = aioduplex();
  return { own: Channel.from(near, { maxFrameLength: MAX_FRAME, limits: { memory: 50_000_000 } }), far: far.open() };
}

export const hostileStreams: Episode = {
  about:
    'streams cut at every byte, peers that send byte by byte, and floods: messages as sent, and others are not held up',
  async run(world) {
    world.at('a stream that is cut at every byte');
    await everySplit(world, Buffer.concat(VALUES.map((value) => framed(serialize(value)))), VALUES);
    world.at('a recorded stream that is cut at every byte');
    const messages = [...VALUES, ...VALUES];
    await everySplit(world, await recorded(messages), messages);
    world.at('slow peers');
    await slowPeers(world);
    world.at('a flood');
    await flood(world);
  },
};

async function everySplit(world: World, stream: Buffer, messages: readonly unknown[]): Promise<void> {
  const payloads = messages.map((message) => serialize(message));
  const first = world.between(0, 4);
  for (let at = first; at <= stream.length; at += 5) {
    const { own, far } = tapped();
    using _own = own;
    await using peer = far;
    await peer.writer.write(stream.subarray(0, at));
    const got = own.get();
    await turn();
    await peer.writer.write(stream.subarray(at));
    for (const [index, payload] of payloads.entries()) {
      const value = index === 0 ? await got : await own.get();
      world.check(serialize(value).equals(payload), `message ${String(index)} is another one, cut at ${String(at)}`);
    }
  }
  world.count('messages', Math.ceil(stream.length / 5) * payloads.length);
}

/** Twenty channels get a byte a turn, and one more must work meanwhile. */
async function slowPeers(world: World): Promise<void> {
  const slow = Array.from({ length: 20 }, tapped);
  const gets = slow.map(({ own }) => own.get().catch((error: unknown) => error));
  const bytes = framed(serialize(world.pick(VALUES))).subarray(0, -1);
  const [here, there] = channel<number, number>({ duplex: true });
  using _here = here;
  using _there = there;
  for (let n = 0; n < 200; n++) {
    for (const { far } of slow) if (n < bytes.length) await far.writer.write(bytes.subarray(n, n + 1));
    await here.put(n);
    await there.put(await there.get());
    world.check((await here.get()) === n, `message ${String(n)} is another one beside slow peers`);
  }
  world.count('messages', 200);
  for (const { own, far } of slow) {
    await far.writer.close();
    own[Symbol.dispose]();
    await far.close();
  }
  for (const error of await Promise.all(gets))
    world.check(error instanceof AiopipeError, `a slow peer's message: ${String(error)}`);
  world.fault('slow peers');
}

/** A peer that sends as fast as it can, and a peer that announces a long message. */
async function flood(world: World): Promise<void> {
  const { own, far } = tapped();
  using _own = own;
  await using peer = far;
  const small = Buffer.concat(Array.from({ length: 5000 }, () => framed(serialize(1))));
  let isOver = false;
  const sent = (async () => {
    while (!isOver) await peer.writer.write(small);
  })().catch(() => undefined);
  const received = (async () => {
    for await (const message of own) if (message !== 1) world.check(false, `a flood of 1 brought ${String(message)}`);
  })().catch((error: unknown) => {
    world.check(isOver && error instanceof AiopipeError, `a flood: ${String(error)}`);
  });
  const before = process.memoryUsage().rss;
  for (let n = 0; n < 20; n++) {
    const start = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 10));
    world.check(performance.now() - start < MAY_STAND, 'timers stand still in a flood');
  }
  const grown = process.memoryUsage().rss - before;
  world.check(grown < 200_000_000, `a flood takes ${String(grown)} bytes`);
  isOver = true;
  own[Symbol.dispose]();
  await Promise.all([sent, received]);
  world.count('messages');
  world.fault('floods');
}

import { AiopipeError, type DuplexEnd, aioduplex } from '@aiopipe/core';
import { Channel, DecodeError, deserialize, serialize, type ChannelOptions } from '@aiopipe/codec';
import { type World } from '../world.js';
import { type Episode } from './episode.js';

/** Values that use most of the format's tags. */
const CORPUS = [
  { a: 1, b: [1.5, -0, 2n ** 70n], c: 'text', d: 'é漢' },
  new Map<unknown, unknown>([[new Set([1, 'x']), new Date(0)]]),
  [new Error('no', { cause: new RangeError('far') }), /a+/gi, new Float64Array(20), Buffer.from('bytes')],
  Array.from({ length: 30 }, (_, n) => ({ id: n, name: `n${String(n)}` })),
  [Symbol.for('k'), Symbol.iterator, new URL('http://x/y?z'), Object.assign(Array.from({ length: 3 }), { p: 1 })],
];

/** Bytes that are nearly right: some changed, cut, doubled or inserted. */
function mutated(world: World, bytes: Buffer): Buffer {
  let result = Buffer.from(bytes);
  for (let n = world.between(1, 4); n > 0 && result.length > 0; n--) {
    const at = world.between(0, result.length - 1);
    const kind = world.between(0, 3);
    if (kind === 0) result[at] = world.between(0, 255);
    else if (kind === 1) result = result.subarray(0, at);
    else if (kind === 2) result = Buffer.concat([result.subarray(0, at), result]);
    else result = Buffer.concat([result.subarray(0, at), Buffer.from([world.between(0, 255)]), result.subarray(at)]);
  }
  return result;
}

export const hostileBytes: Episode = {
  about: 'damaged messages, cut anywhere: a value, or an error of ours',
  async run(world) {
    for (let n = 0; n < 2000; n++) {
      try {
        deserialize(mutated(world, serialize(world.pick(CORPUS))), { limits: { memory: 50_000_000 } });
      } catch (error) {
        world.check(error instanceof DecodeError, `deserialize: ${String((error as Error).stack)}`);
      }
      if (n % 100 === 99) world.count('messages', 100);
    }
    world.fault('damaged bytes');
    for (let n = 0; n < 50; n++) await oneChannel(world);
  },
};

async function oneChannel(world: World): Promise<void> {
  const [near, far] = aioduplex();
  const options: ChannelOptions = { maxFrameLength: 100_000, limits: { memory: 50_000_000 } };
  using channel = Channel.from(near, options);
  await using stream = (far as DuplexEnd).open();
  const frames = Array.from({ length: world.between(1, 5) }, () => {
    const payload = serialize(world.pick(CORPUS));
    const header = Buffer.alloc(4);
    header.writeUInt32BE(payload.length);
    return Buffer.concat([header, payload]);
  });
  const all = Buffer.concat(frames);
  const bytes = world.between(0, 3) === 0 ? all : mutated(world, all);
  const at = world.between(0, bytes.length);
  const received = (async () => {
    try {
      for await (const message of channel) void message;
    } catch (error) {
      world.check(error instanceof AiopipeError, `a channel: ${String((error as Error).stack)}`);
    }
  })();
  const half = bytes.subarray(0, at);
  const rest = bytes.subarray(at);
  await Promise.allSettled([stream.writer.write(half), stream.writer.write(rest)]);
  await stream.writer.close().catch(() => undefined);
  await received;
  world.count('messages', frames.length);
}

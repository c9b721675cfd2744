import { AiopipeError, type DuplexEnd, aioduplex } from '@aiopipe/core';
import { Channel, DecodeError, deserialize, serialize, type ChannelOptions } from '@aiopipe/codec';
import { Coverage } from '../fuzz/coverage.js';
import { mutated, VALUES } from '../fuzz/mutate.js';
import { type World } from '../world.js';
import { type Episode } from './episode.js';

export const hostileBytes: Episode = {
  about: 'damaged messages, cut anywhere: a value, or an error of ours',
  async run(world) {
    const coverage = new Coverage();
    for (let n = 0; n < 2000; n++) {
      try {
        deserialize(mutated(world, serialize(world.pick(VALUES))), { limits: { memory: 50_000_000 } });
      } catch (error) {
        world.check(error instanceof DecodeError, `deserialize: ${String((error as Error).stack)}`);
      }
      if (n % 100 === 99) world.count('messages', 100);
    }
    world.fault('damaged bytes');
    for (let n = 0; n < 50; n++) await oneChannel(world);
    world.tellCoverage(coverage);
  },
};

async function oneChannel(world: World): Promise<void> {
  const [near, far] = aioduplex();
  const options: ChannelOptions = { maxFrameLength: 100_000, limits: { memory: 50_000_000 } };
  using channel = Channel.from(near, options);
  await using stream = (far as DuplexEnd).open();
  const frames = Array.from({ length: world.between(1, 5) }, () => {
    const payload = serialize(world.pick(VALUES));
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

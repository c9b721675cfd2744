// The functions that run in the child processes of the episodes.
import { createHash } from 'node:crypto';
import { type Channel, type ChannelReader, type ChannelWriter } from '@aiopipe/codec';
import { aiopipe, type ReadEnd } from '@aiopipe/core';
import { ready, target, taskSignal } from '@aiopipe/process';

/** Takes some of the time that it is told to, and returns what only this task can return. */
export const work = target(import.meta.url, 'work', async (id: number, milliseconds: number, size: number) => {
  if (milliseconds > 0) await pause(milliseconds);
  return { id, sum: checksum(id, size), fill: Buffer.alloc(size, id & 255) };
});

export function checksum(id: number, size: number): string {
  return createHash('sha1')
    .update(Buffer.alloc(size, id & 255))
    .digest('hex');
}

/** Returns a pipe that holds what only this task can write. */
export const opens = target(import.meta.url, 'opens', async (id: number): Promise<ReadEnd> => {
  const [rx, tx] = aiopipe();
  await using writer = tx.open();
  await writer.write(`end ${String(id)}`);
  return rx;
});

/** Returns how many ends it got. */
export const takesEnds = target(import.meta.url, 'takesEnds', (ends: readonly ReadEnd[]) => {
  for (const end of ends) end.close();
  return ends.length;
});

export const items = target(import.meta.url, 'items', async function* (id: number, count: number) {
  for (let n = 0; n < count; n++) {
    if (taskSignal().aborted) return;
    yield { id, n };
  }
});

/** Answers every message with itself. */
export const mirror = target(import.meta.url, 'mirror', async (channel: Channel<unknown, unknown>) => {
  for await (const message of channel) await channel.put(message);
});

/** Passes messages on, each before the next one is taken. */
export const relay = target(
  import.meta.url,
  'relay',
  async (from: ChannelReader<unknown>, to: ChannelWriter<unknown>) => {
    for await (const message of from) await to.put(message);
  },
);

/** Reads a pipe to its end, and returns what went through. */
export const digest = target(import.meta.url, 'digest', async (end: ReadEnd) => {
  await using reader = end.open();
  const hash = createHash('sha1');
  let bytes = 0;
  for await (const chunk of reader) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, hash: hash.digest('hex') };
});

/** Runs until it is killed. */
export const serve = target(import.meta.url, 'serve', async () => {
  ready();
  await pause(60_000);
});

export const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

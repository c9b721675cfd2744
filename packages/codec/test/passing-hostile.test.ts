import { writeSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { fdsSince, leakCheck, openFds } from '@aiopipe/testing';
import { aioduplex, aiopipe, type DuplexEnd } from '@aiopipe/core';
import { ChannelReader, serialize, type ChannelOptions } from '@aiopipe/codec';
import { native } from '@aiopipe/core/internal';
import { errorOf, frameOf } from './channel-helpers.js';

afterAll(leakCheck());

/** A message with one handle of this description, as a hostile peer may write it. */
function messageOf(...descriptions: unknown[]): Buffer {
  const list = serialize(descriptions);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(list.length);
  const handles = Buffer.from(descriptions.flatMap((_, i) => [0x1a, i]));
  return frameOf(Buffer.concat([Buffer.of(0xa2, 0xa1, 0xb0 + descriptions.length), handles, list, length]));
}

/** Sends the bytes with as many descriptors as said, of which no copy stays here. */
function send(to: DuplexEnd, bytes: Buffer, count: number): void {
  const pipes = Array.from({ length: count }, () => aiopipe());
  const numbers = Int32Array.from(pipes, ([rx]) => rx.fd);
  if (count === 0) writeSync(to.fd, bytes);
  else expect(native().writeParts(to.fd, [bytes], 0, true, numbers)).toBe(bytes.length);
  for (const [rx, tx] of pipes) {
    rx.close();
    tx.close();
  }
}

function hostile(options?: ChannelOptions): { reader: ChannelReader; tap: DuplexEnd } {
  const [one, tap] = aioduplex({ bufferSize: 1 << 20 });
  return { reader: ChannelReader.from(one, options), tap };
}

const settings = { encoder: 'default', decoder: 'default', maxFrameLength: 1000, queueLimit: 1000 };
const ahead = { bytes: Buffer.alloc(0), tables: undefined };

describe('a description of a handle that is right in itself but not in its descriptors', () => {
  test.each<[string, number, unknown[]]>([
    ['an end of none', 0, ['ReadEnd', 0, undefined]],
    ['an end of two', 2, ['ReadEnd', 2, undefined]],
    ['a duplex end of a pipe', 1, ['DuplexEnd', 1, undefined]],
    ['a write end of the side that reads', 1, ['WriteEnd', 1, undefined]],
    ['a channel of none', 0, ['Channel', 0, { settings }]],
    ['a channel of a pipe', 1, ['Channel', 1, { settings }]],
    ['a channel writer with others read ahead', 2, ['ChannelWriter', 2, { settings }]],
    ['a stream of none', 0, ['PipeReader', 0, { ahead: Buffer.of(1), ended: false }]],
    ['a stream of two', 2, ['PipeReader', 2, { ahead: Buffer.of(1), ended: false }]],
    ['a stream of no bytes', 1, ['PipeReader', 1, { ahead: 'text', ended: false }]],
    ['a stream with options that cannot be', 1, ['PipeWriter', 1, { highWaterMark: 'much' }]],
    ['a stream of no data', 1, ['DuplexStream', 1, undefined]],
    ['a stream of no direction', 1, ['DuplexStream', 1, {}]],
    ['a handle of an unknown kind', 1, ['Door', 1, undefined]],
    ['a handle of a kind that every object has', 1, ['constructor', 1, undefined]],
    ['a channel of no data', 1, ['ChannelReader', 1, undefined]],
    ['a channel with a limit that is none', 1, ['Channel', 1, { settings: { ...settings, maxFrameLength: 'x' } }]],
    ['a channel with limits that are none', 1, ['Channel', 1, { settings: { ...settings, limits: { nodes: 'x' } } }]],
    ['a channel that would spin for ever', 1, ['Channel', 1, { settings: { ...settings, spin: 1e9 } }]],
    ['a channel with settings that cannot be', 1, ['ChannelReader', 1, { settings: { encoder: 7 }, ahead }]],
  ])('%s rejects that get alone, and leaks nothing', async (_, count, description) => {
    const { reader, tap } = hostile();
    const before = openFds();
    send(tap, messageOf(description), count);
    const error = await errorOf(reader.get());
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_DECODE', fatal: false });
    expect(fdsSince(before)).toEqual([]);
    writeSync(tap.fd, frameOf(serialize('next')));
    expect(await reader.get()).toBe('next');
    reader.close();
    tap.close();
  });

  test('says fewer than came: the others are nobody’s, and closed with the channel', async () => {
    const before = openFds();
    const { reader, tap } = hostile();
    send(tap, messageOf(['ReadEnd', 1, undefined]), 3);
    const [end] = (await reader.get()) as Disposable[];
    end?.[Symbol.dispose]();
    reader.close();
    tap.close();
    expect(fdsSince(before)).toEqual([]);
  });

  test.each<[string, unknown]>([
    ['more than came', ['ReadEnd', 5, undefined]],
    ['a count that is none', ['ReadEnd', -1, undefined]],
    ['a count with a fraction', ['ReadEnd', 0.5, undefined]],
    ['no kind', [7, 1, undefined]],
    ['no list', 'ReadEnd'],
  ])('says %s: the channel closes, with all that came', async (_, description) => {
    const before = openFds();
    const { reader, tap } = hostile();
    send(tap, messageOf(description), 2);
    expect(await errorOf(reader.get())).toMatchObject({ code: 'ERR_AIOPIPE_DECODE', fatal: true });
    expect(reader.isClosed).toBe(true);
    tap.close();
    expect(fdsSince(before)).toEqual([]);
  });
});

test('a list of handles that holds more than any needs breaks a channel with limits, and leaks nothing', async () => {
  const before = openFds();
  const { reader, tap } = hostile({ limits: { nodes: 10 } });
  send(tap, messageOf(['ReadEnd', 1, new Array(100_000).fill(null)]), 1);
  expect(await errorOf(reader.get())).toMatchObject({
    code: 'ERR_AIOPIPE_DECODE',
    fatal: true,
    cause: { message: expect.stringContaining('more values than the limit') as string },
  });
  tap.close();
  expect(fdsSince(before)).toEqual([]);
});

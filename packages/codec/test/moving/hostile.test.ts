import { afterAll, describe, expect, test } from 'vitest';
import { fdsSince, leakCheck, openFds, writeTo } from '@aiopipe/testing';
import { aioduplex, aiopipe, type DuplexEnd } from '@aiopipe/core';
import { channel, ChannelReader, serialize, type ChannelOptions } from '@aiopipe/codec';
import { native } from '@aiopipe/core/internal';
import { errorOf, frameOf, messageOf } from '../channel/helpers.js';

afterAll(leakCheck());

/** Sends the bytes with as many descriptors as said, of which no copy stays here. */
function send(to: DuplexEnd, bytes: Buffer, count: number): void {
  const pipes = Array.from({ length: count }, () => aiopipe());
  const numbers = Int32Array.from(pipes, ([rx]) => rx.fd);
  // Some systems send without blocking only so.
  native().setNonblocking(to.fd, 1);
  if (count === 0) writeTo(to.fd, bytes);
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
    ['a channel with others and nothing read ahead', 3, ['Channel', 3, { settings }]],
    ['a channel with others and no bytes of theirs', 3, ['ChannelReader', 3, { settings, ahead }]],
    ['a channel that read text ahead', 1, ['ChannelReader', 1, { settings, ahead: { bytes: 'text' } }]],
    ['a channel with tables that are none', 1, ['ChannelReader', 1, { settings, ahead: { ...ahead, tables: {} } }]],
    ['a stream of none', 0, ['PipeReader', 0, { ahead: Buffer.of(1), ended: false }]],
    ['a stream of two', 2, ['PipeReader', 2, { ahead: Buffer.of(1), ended: false }]],
    ['a stream of no bytes', 1, ['PipeReader', 1, { ahead: 'text', ended: false }]],
    ['a stream with options that cannot be', 1, ['PipeWriter', 1, { highWaterMark: 'much' }]],
    ['a stream of no data', 1, ['DuplexStream', 1, undefined]],
    ['a reader of no data', 1, ['PipeReader', 1, undefined]],
    ['a stream of no direction', 1, ['DuplexStream', 1, {}]],
    ['a net.Socket of none', 0, ['net.Socket', 0, { ahead: Buffer.alloc(0) }]],
    ['a net.Socket of two', 2, ['net.Socket', 2, { ahead: Buffer.alloc(0) }]],
    ['a net.Socket of a pipe', 1, ['net.Socket', 1, { ahead: Buffer.alloc(0) }]],
    ['a net.Server of a pipe', 1, ['net.Server', 1, {}]],
    ['an http.Server of a pipe', 1, ['http.Server', 1, {}]],
    ['a dgram.Socket of a pipe', 1, ['dgram.Socket', 1, { type: 'udp4' }]],
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
    writeTo(tap.fd, frameOf(serialize('next')));
    expect(await reader.get()).toBe('next');
    reader.close();
    tap.close();
  });

  test.each([
    ['PipeReader', 'reader'],
    ['DuplexStream', 'duplex stream'],
  ])('a %s without its state is refused with words that say so', async (kind, name) => {
    const { reader, tap } = hostile();
    send(tap, messageOf([kind, 1, undefined]), 1);
    const { message } = await errorOf(reader.get());
    expect(message).toContain(`a ${name} arrived without its state, but with undefined`);
    reader.close();
    tap.close();
  });

  test('says fewer than came: the channel closes, with all that came', async () => {
    const before = openFds();
    const { reader, tap } = hostile();
    send(tap, messageOf(['ReadEnd', 1, undefined]), 3);
    expect(await errorOf(reader.get())).toMatchObject({ code: 'ERR_AIOPIPE_DECODE', fatal: true });
    expect(reader.isClosed).toBe(true);
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

describe('a socket or server whose settings are wrong', () => {
  test.each<[string, unknown]>([
    ['no bytes that were read ahead', ['net.Socket', 1, { ahead: 'text' }]],
    ['no settings', ['net.Socket', 1, undefined]],
    ['a server that does not listen', ['net.Server', 1, {}]],
    ['datagrams of a stream', ['dgram.Socket', 1, { type: 'udp4' }]],
  ])('%s: rejects that get alone, and leaks nothing', async (_, description) => {
    const before = openFds();
    const { reader, tap } = hostile();
    const [one, other] = aioduplex();
    expect(native().writeParts(tap.fd, [messageOf(description)], 0, true, Int32Array.of(one.fd))).toBeGreaterThan(0);
    for (const end of [one, other]) end.close();
    expect(await errorOf(reader.get())).toMatchObject({ code: 'ERR_AIOPIPE_DECODE', fatal: false });
    reader.close();
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

describe('descriptors that no message names', () => {
  test('close the channel with the message that they came with', async () => {
    const before = openFds();
    const { reader, tap } = hostile();
    writeTo(tap.fd, frameOf(serialize('plain')));
    expect(await reader.get()).toBe('plain');
    send(tap, frameOf(serialize('with two')), 2);
    expect(await errorOf(reader.get())).toMatchObject({
      code: 'ERR_AIOPIPE_DECODE',
      message: expect.stringContaining('more descriptors arrived with a message than it names') as string,
    });
    expect(reader.isClosed).toBe(true);
    tap.close();
    expect(fdsSince(before)).toEqual([]);
  });

  test('close it also if the value of that message cannot be built', async () => {
    const { reader, tap } = hostile();
    send(tap, frameOf(Buffer.of(0xa1, 0x2c, 0x81, 0x3f, 0x40)), 1);
    expect(await errorOf(reader.get())).toMatchObject({ fatal: true });
    expect(reader.isClosed).toBe(true);
    tap.close();
  });

  test('close it while its message goes on and on, long before they are all that the process may have', async () => {
    const before = openFds();
    const { reader, tap } = hostile();
    const header = Buffer.alloc(4);
    header.writeUInt32BE(1_000_000);
    writeTo(tap.fd, header);
    const get = errorOf(reader.get());
    let sent = 0;
    for (; sent < 5000 && !reader.isClosed; sent += 100) {
      send(tap, Buffer.of(0), 100);
      // The reader takes one at a time.
      for (let i = 0; i < 3; i++) await new Promise(setImmediate);
    }
    expect(await get).toMatchObject({ code: 'ERR_AIOPIPE_DECODE' });
    expect(sent).toBeLessThan(3000);
    tap.close();
    expect(fdsSince(before)).toEqual([]);
  });

  test('are closed with an end that is closed before their message is whole', () => {
    const before = openFds();
    const { reader, tap } = hostile();
    send(tap, Buffer.of(0, 0, 0, 9, 0xa2), 5);
    expect(reader.tryGet()).toBeUndefined();
    reader.close();
    tap.close();
    expect(fdsSince(before)).toEqual([]);
  });
});

test('a message whose handles have more descriptors than a receiver takes is refused to the sender, and nothing moves', async () => {
  using pair = channel<unknown>();
  const [r, w] = pair;
  const pipes = Array.from({ length: 1025 }, () => aiopipe());
  const error = await errorOf(w.put(pipes.map(([rx]) => rx)));
  expect(error).toMatchObject({ code: 'ERR_AIOPIPE_ENCODE' });
  expect(error.message).toContain('1025 descriptors');
  expect(pipes.every(([rx]) => rx.state === 'owned')).toBe(true);
  await w.put(pipes.slice(1).map(([rx]) => rx));
  const ends = (await r.get()) as Disposable[];
  expect(ends).toHaveLength(1024);
  for (const end of ends) end[Symbol.dispose]();
  for (const [rx, tx] of pipes) {
    rx[Symbol.dispose]();
    tx.close();
  }
});

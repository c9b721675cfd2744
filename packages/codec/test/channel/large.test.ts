import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck, readFrom, transferAway, turns } from '@aiopipe/testing';
import { aioduplex, aiopipe, type ReadEnd } from '@aiopipe/core';
import { channel, Channel, ChannelWriter, type ChannelReader } from '@aiopipe/codec';
import { errorOf, fill, frameOf, isPending, readerAndTap } from './helpers.js';

afterAll(leakCheck());

const KiB = 1024;
const MiB = 1024 * KiB;
const bytesOnly = { encoder: null, decoder: null } as const;

/** Bytes of which every part is another. */
function pattern(length: number, seed = 0): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let i = 0, state = seed + 1; i < length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) | 0;
    bytes[i] = state >>> 16;
  }
  return bytes;
}

/** A raw channel over the smallest buffers that the kernel gives. */
function narrow(): [Channel<Buffer>, Channel<Buffer>] {
  const [one, other] = aioduplex({ bufferSize: 1 });
  return [Channel.from<Buffer>(one, bytesOnly), Channel.from<Buffer>(other, bytesOnly)];
}

/** Lengths around each size at which something is done in another way. */
const LENGTHS = [16 * KiB, 64 * KiB, 256 * KiB, MiB].flatMap((size) => [size - 5, size - 4, size - 1, size, size + 1]);

describe('bytes of every length arrive', () => {
  test.each([
    ['through large buffers', () => channel<Buffer>({ ...bytesOnly, duplex: true })],
    ['through buffers of a few KiB', narrow],
  ])('%s', async (_, make) => {
    const [a, b] = make();
    const messages = [...LENGTHS, 0, 1, 3 * MiB, 5, ...LENGTHS.toReversed(), 3 * MiB, 3 * MiB, MiB].map(pattern);
    const puts = (async () => {
      for (const message of messages) await a.put(message);
    })();
    const kept: Buffer[] = [];
    for (const _message of messages) kept.push(await b.get());
    await puts;
    // Only now: no later message was read over an earlier one.
    expect(kept.findIndex((bytes, i) => !bytes.equals(messages[i] as Buffer))).toBe(-1);
    a.close();
    b.close();
  });

  test('behind small ones of the same turn, if the pipe is empty or full', async () => {
    using pair = channel<Buffer>(bytesOnly);
    const [r, w] = pair;
    const messages = [10, 300 * KiB, 20, 2 * MiB, 30, 300 * KiB, 40].map(pattern);
    const puts = messages.map((message) => w.put(message));
    for (const message of messages) expect((await r.get()).equals(message)).toBe(true);
    await Promise.all(puts);
  });

  test('after others that fill the pipe', async () => {
    using pair = channel<Buffer>(bytesOnly);
    const [r, w] = pair;
    const { waiting } = await fill(w, pattern(70 * KiB));
    const large = pattern(MiB, 7);
    const put = w.put(large);
    let message = await r.get();
    while (message.length !== MiB) message = await r.get();
    expect(message.equals(large)).toBe(true);
    await Promise.all([waiting, put]);
  });
});

describe('what is put is sent as it was', () => {
  test('though its bytes change as soon as put() has returned', async () => {
    const [a, b] = narrow();
    for (const length of [300 * KiB, 2 * MiB]) {
      const bytes = pattern(length);
      const was = Buffer.from(bytes);
      const put = a.put(bytes);
      bytes.fill(0);
      expect((await b.get()).equals(was)).toBe(true);
      await put;
    }
    a.close();
    b.close();
  });

  test('though an encoder uses its own buffer again', async () => {
    const own = Buffer.alloc(400 * KiB);
    using pair = channel({ encoder: (n: number) => own.fill(n), decoder: null });
    const [r, w] = pair;
    const puts = [1, 2, 3, 4, 5, 6].map((n) => w.put(n));
    for (let n = 1; n <= 6; n++) expect(((await r.get()) as Buffer).equals(Buffer.alloc(400 * KiB, n))).toBe(true);
    await Promise.all(puts);
  });
});

test('bytes that arrive are the receiver’s to change', async () => {
  using pair = channel<Buffer>(bytesOnly);
  const [r, w] = pair;
  const sent = Array.from({ length: 6 }, (_, i) => pattern(MiB, i));
  const puts = (async () => {
    for (const bytes of sent) await w.put(bytes);
  })();
  const got: Buffer[] = [];
  for (const bytes of sent) {
    const message = await r.get();
    expect(message.equals(bytes)).toBe(true);
    got.push(message.fill(0xee));
  }
  await puts;
  expect(new Set(got.map(({ buffer }) => buffer)).size).toBe(6);
  for (const message of got) expect(message.every((byte) => byte === 0xee)).toBe(true);
});

describe('bytes that share memory with others', () => {
  const sent = Array.from({ length: 40 }, () => [40 * KiB, 16 * KiB, 3, 64 * KiB, 5000, 250 * KiB])
    .flat()
    .map(pattern);

  test.each([
    ['large', 1 << 20],
    ['of a few KiB', 1],
  ])('are the receiver’s to change all the same, through buffers %s', async (_, bufferSize) => {
    const [one, other] = aioduplex({ bufferSize });
    const [a, b] = [Channel.from<Buffer>(one, bytesOnly), Channel.from<Buffer>(other, bytesOnly)];
    const puts = (async () => {
      for (const bytes of sent) await a.put(bytes);
    })();
    const got: Buffer[] = [];
    for (const bytes of sent) {
      const message = await b.get();
      expect(message.equals(bytes)).toBe(true);
      got.push(message.fill(got.length));
    }
    await puts;
    expect(got.findIndex((bytes, i) => !bytes.every((byte) => byte === i))).toBe(-1);
    a.close();
    b.close();
  });

  test('take nothing of them along when they are transferred to another thread', async () => {
    using pair = channel<Buffer>(bytesOnly);
    const [r, w] = pair;
    const puts = (async () => {
      for (const bytes of sent) await w.put(bytes);
    })();
    for (const bytes of sent) {
      const message = await r.get();
      expect(message.equals(bytes)).toBe(true);
      transferAway(message);
    }
    await puts;
  });
});

test('Buffers in a large message are never a part of what is read into', async () => {
  using pair = channel<{ bytes: Buffer }>();
  const [r, w] = pair;
  const sent = Array.from({ length: 5 }, (_, i) => ({ bytes: pattern(2 * MiB, i) }));
  const puts = (async () => {
    for (const message of sent) await w.put(message);
  })();
  const got: { bytes: Buffer }[] = [];
  for (const _message of sent) got.push(await r.get());
  await puts;
  expect(got.every(({ bytes }, i) => bytes.equals((sent[i] as { bytes: Buffer }).bytes))).toBe(true);
});

test('memory grows with the bytes of a frame that came, not with what its header promises', async () => {
  const taps = Array.from({ length: 20 }, () => readerAndTap({ decoder: null }));
  const header = Buffer.alloc(4);
  header.writeUInt32BE(200 * MiB);
  const before = process.memoryUsage().arrayBuffers;
  const gets = taps.map(({ reader, feed }) => {
    feed(Buffer.concat([header, Buffer.alloc(1000)]));
    return reader.get();
  });
  for (const get of gets) expect(await isPending(get)).toBe(true);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20 * MiB);
  for (const { tap } of taps) tap.close();
  for (const get of gets) expect(await errorOf(get)).toMatchObject({ code: 'ERR_AIOPIPE_INCOMPLETE_READ' });
  for (const { reader } of taps) reader.close();
});

describe('in the middle of a large message', () => {
  test.each(['raw', 'default'])('a peer that leaves rejects the put of a %s channel', async (kind) => {
    const [one, other] = aioduplex();
    const writer = ChannelWriter.from(one, kind === 'raw' ? bytesOnly : {});
    const put = writer.put(pattern(4 * MiB));
    expect(await isPending(put)).toBe(true);
    readFrom(other.fd, Buffer.alloc(10_000));
    other.close();
    expect(await errorOf(put)).toMatchObject({ code: 'EPIPE' });
    expect(await errorOf(writer.put(pattern(4 * MiB)))).toMatchObject({ code: 'EPIPE' });
    writer.close();
  });

  test('neither end can be closed or moved, and disposal rejects those that wait', async () => {
    const [a, b] = narrow();
    const get = b.get();
    const put = a.put(pattern(4 * MiB));
    await turns(1);
    expect(() => a.close()).toThrow(expect.objectContaining({ code: 'ERR_AIOPIPE_BUSY' }));
    using other = channel({ duplex: true });
    expect(await errorOf(other[0].put(a))).toMatchObject({ code: 'ERR_AIOPIPE_BUSY' });
    const outcomes = Promise.all([errorOf(put), errorOf(get)]);
    a[Symbol.dispose]();
    b[Symbol.dispose]();
    for (const error of await outcomes)
      expect(error).toMatchObject({ code: expect.stringMatching(/CLOSED|INCOMPLETE/) });
  });

  test('a moved reader takes along what it has of it', async () => {
    const { reader, tap, feed } = readerAndTap({ decoder: null });
    const message = pattern(900 * KiB);
    const frame = frameOf(message);
    feed(frameOf('first'));
    feed(frame.subarray(0, 600 * KiB));
    expect(String(await reader.get())).toBe('first');
    const aborted = reader.get({ signal: AbortSignal.timeout(20) });
    await errorOf(aborted);
    using pair = channel<ChannelReader<Buffer>>();
    const put = pair[1].put(reader as ChannelReader<Buffer>);
    const moved = await pair[0].get();
    await put;
    feed(frame.subarray(600 * KiB));
    feed(frameOf('last'));
    expect((await moved.get()).equals(message)).toBe(true);
    expect((await moved.get()).toString()).toBe('last');
    moved.close();
    tap.close();
  });

  test('its handles arrive, before and after large ones', async () => {
    using pair = channel<{ end: ReadEnd; bytes: Buffer }>({ duplex: true });
    const [a, b] = pair;
    const before = pattern(3 * MiB);
    const pipes = Array.from({ length: 4 }, () => aiopipe());
    const puts = (async () => {
      for (const [end] of pipes) await a.put({ end, bytes: before });
    })();
    for (const [, tx] of pipes) {
      const { end, bytes } = (await b.get()) as { end: ReadEnd; bytes: Buffer };
      expect(bytes.equals(before)).toBe(true);
      tx.close();
      await using stream = end.open();
      expect(await stream.read()).toHaveLength(0);
    }
    await puts;
  });
});

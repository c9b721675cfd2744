import { afterAll, describe, expect, test } from 'vitest';
import { fdsSince, leakCheck, openFds } from '@aiopipe/testing';
import { aiopipe, ClosedError } from '@aiopipe/core';
import { channel, DecodeError, FrameTooLongError, type DecodeLimits, registerCodec } from '@aiopipe/codec';
import { channelAndTap, errorOf, frameOf, readerAndTap, thrownBy, wireOf } from './helpers.js';

afterAll(leakCheck());

const text = {
  encode: (value: unknown) => Buffer.from(String(value)),
  decode: (bytes: Buffer): unknown => bytes.toString(),
};
registerCodec('text', text);

describe('maxFrameLength', () => {
  test('refuses a longer message at the sender, and leaves the channel usable and the table right', async () => {
    using pair = channel<unknown>({ maxFrameLength: 1000 });
    const [r, w] = pair;
    const error = await errorOf(w.put({ shape: 'x'.repeat(2000) }));
    expect(error).toBeInstanceOf(FrameTooLongError);
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_FRAME_TOO_LONG', maxFrameLength: 1000 });
    await w.put({ shape: 'short' });
    expect(await r.get()).toEqual({ shape: 'short' });
  });

  test('counts the payload: one of exactly that many bytes passes', async () => {
    using pair = channel<Buffer>({ maxFrameLength: 1000, encoder: null, decoder: null });
    const [r, w] = pair;
    await w.put(Buffer.alloc(1000));
    expect(await r.get()).toHaveLength(1000);
    expect(await errorOf(w.put(Buffer.alloc(1001)))).toBeInstanceOf(FrameTooLongError);
  });

  test('closes a channel if a longer one is announced, before anything is allocated', async () => {
    const { reader, tap, feed } = readerAndTap();
    const { arrayBuffers } = process.memoryUsage();
    feed(Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 2, 3]));
    const error = await errorOf(reader.get());
    expect(error).toBeInstanceOf(FrameTooLongError);
    expect(error).toMatchObject({ length: 0xffffffff });
    expect(process.memoryUsage().arrayBuffers - arrayBuffers).toBeLessThan(10_000_000);
    expect(reader.isClosed).toBe(true);
    reader.close();
    tap.close();
  });

  test('believes no header beyond the bytes that came', async () => {
    const { reader, tap, feed } = readerAndTap();
    const { arrayBuffers } = process.memoryUsage();
    feed(Buffer.from([0x0f, 0xff, 0xff, 0xff]));
    feed(Buffer.alloc(100_000));
    expect(await errorOf(reader.get({ timeout: 5 }))).toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
    expect(process.memoryUsage().arrayBuffers - arrayBuffers).toBeLessThan(10_000_000);
    reader.close();
    tap.close();
  });
});

describe('limits', () => {
  const over: [string, DecodeLimits, unknown][] = [
    ['depth', { depth: 2 }, [[[1]]]],
    ['nodes', { nodes: 4 }, [1, 'two', null, undefined]],
    ['bytes', { bytes: 100 }, 'x'.repeat(200)],
  ];
  test.each(over)('%s: a message over it breaks the channel, one that keeps to it passes', async (_, limits, value) => {
    const { reader, tap, feed } = readerAndTap({ limits });
    const [small, large] = await wireOf(['good'], value);
    feed(Buffer.concat([small as Buffer, large as Buffer]));
    expect(await reader.get()).toEqual(['good']);
    const error = await errorOf(reader.get());
    expect(error).toBeInstanceOf(DecodeError);
    expect(error).toMatchObject({ fatal: true, message: expect.stringContaining('limit') as string });
    expect(reader.isClosed).toBe(true);
    tap.close();
  });

  test('are each message’s own', async () => {
    using pair = channel<unknown>({ limits: { nodes: 4 } });
    const [r, w] = pair;
    for (let i = 0; i < 10; i++) {
      await w.put([1, 2, 3]);
      expect(await r.get()).toEqual([1, 2, 3]);
    }
  });

  test('are read when the channel is made', async () => {
    const limits: { nodes?: number } = { nodes: 4 };
    using pair = channel<unknown>({ limits });
    delete limits.nodes;
    await pair[1].put([1, 2, 3, 4]);
    expect(await errorOf(pair[0].get())).toBeInstanceOf(DecodeError);
  });

  test('leave the handles of a message uncounted', async () => {
    using pair = channel<unknown>({ limits: { depth: 1, nodes: 2 } });
    const [r, w] = pair;
    const [rx, tx] = aiopipe();
    await w.put([tx]);
    const [copy] = (await r.get()) as [Disposable];
    copy[Symbol.dispose]();
    rx.close();
  });

  test('that are none, or that the decoder does not have, are a TypeError', () => {
    for (const limits of [5, null, { depth: NaN }, { nodes: '5' }, { bytes: -1 }]) {
      for (const decoder of ['default', 'json'] as const) {
        const error = thrownBy(() => channel({ decoder, limits: limits as never }));
        expect(error).toMatchObject({ name: 'TypeError', message: expect.stringMatching(/^limits/) as string });
      }
    }
    for (const decoder of ['json', null, 'text', text.decode]) {
      expect(thrownBy(() => channel({ decoder, limits: { nodes: 5 } })).message).toMatch(
        /only the default decoder takes limits/,
      );
      channel({ decoder, limits: {} })[Symbol.dispose]();
    }
  });
});

describe('malformed bytes', () => {
  const malformed = {
    'an empty frame': frameOf(''),
    'an unknown kind of message': frameOf(Buffer.of(9, 1, 2)),
    'bytes that are no value': frameOf(Buffer.of(0, 0xee, 0xff)),
    'a list of handles longer than its message': frameOf(Buffer.of(1, 0, 0, 0, 99)),
    'more after the value': frameOf(Buffer.of(0, 1, 1, 1, 1)),
  };
  for (const [name, bytes] of Object.entries(malformed)) {
    test(`(${name}) close the channel with a reason`, async () => {
      const before = openFds();
      const { channel: ours, tap, feed } = channelAndTap();
      feed(Buffer.concat([bytes, frameOf(Buffer.of(0))]));
      expect(await errorOf(ours.get())).toMatchObject({ code: 'ERR_AIOPIPE_DECODE', fatal: true });
      expect(ours.isClosed).toBe(true);
      for (const call of [ours.get(), ours.put(1), ours.drain()]) {
        const error = await errorOf(call);
        expect(error).toBeInstanceOf(ClosedError);
        expect(error.cause).toBeInstanceOf(DecodeError);
      }
      tap.close();
      expect(fdsSince(before)).toEqual([]);
      // The caller's own close() in a `finally` must not hide the reason. Once.
      ours.close();
      expect(thrownBy(() => ours.close())).toBeInstanceOf(ClosedError);
    });
  }

  test('end puts that wait', async () => {
    const { channel: ours, tap, feed } = channelAndTap();
    const put = ours.put(Buffer.alloc(5_000_000));
    feed(frameOf(''));
    expect(await errorOf(ours.get())).toBeInstanceOf(DecodeError);
    expect(await errorOf(put)).toBeInstanceOf(ClosedError);
    tap.close();
  });

  test('leave the messages before them to be got', async () => {
    const { reader, tap, feed } = readerAndTap();
    feed(Buffer.concat([...(await wireOf('good', 'too')), frameOf('')]));
    expect([await reader.get(), await reader.get()]).toEqual(['good', 'too']);
    expect(thrownBy(() => reader.tryGet())).toBeInstanceOf(DecodeError);
    expect(reader.isClosed).toBe(true);
    tap.close();
  });

  test('that come while a get waits close the channel too', async () => {
    const { reader, tap, feed } = readerAndTap();
    const gets = [reader.get(), reader.get()];
    feed(frameOf(''));
    for (const get of gets) expect(await errorOf(get)).toBeInstanceOf(DecodeError);
    expect(reader.isClosed).toBe(true);
    tap.close();
  });
});

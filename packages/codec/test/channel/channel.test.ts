import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck } from '@aiopipe/testing';
import { ClosedError } from '@aiopipe/core';
import { channel, Channel, ChannelReader, ChannelWriter, EndOfStreamError } from '@aiopipe/codec';
import { errorOf, frameOf, isPending, readerAndTap, thrownBy, turns } from './helpers.js';

afterAll(leakCheck());

describe('a simplex channel', () => {
  test('takes messages to the other end, in order', async () => {
    using pair = channel<number>();
    const [r, w] = pair;
    expect([r, w].map((end) => end.constructor)).toEqual([ChannelReader, ChannelWriter]);
    for (let i = 0; i < 1000; i++) void w.put(i);
    for (let i = 0; i < 1000; i++) expect(await r.get()).toBe(i);
  });

  test('takes what is put while a get waits', async () => {
    using pair = channel();
    const [r, w] = pair;
    const waiting = r.get();
    expect(await isPending(waiting)).toBe(true);
    await w.put({ late: true });
    expect(await waiting).toEqual({ late: true });
  });

  test('takes undefined, null and false as messages like any other', async () => {
    using pair = channel();
    const [r, w] = pair;
    const values = [undefined, null, false, 0, '', NaN];
    for (const value of values) void w.put(value);
    for (const value of values) expect(await r.get()).toBe(value);
  });
});

describe('a duplex channel', () => {
  test('goes both ways', async () => {
    using pair = channel<string, number>({ duplex: true });
    const [a, b] = pair;
    expect([a, b].map((end) => end.constructor)).toEqual([Channel, Channel]);
    await a.put('how long?');
    expect(await b.get()).toBe('how long?');
    await b.put(9);
    expect(await a.get()).toBe(9);
  });

  test('goes both ways at once, with more than the pipe holds', async () => {
    using pair = channel<Buffer, Buffer>({ duplex: true });
    const [a, b] = pair;
    const size = 8_000_000;
    const [atB, atA] = await Promise.all([
      b.get(),
      a.get(),
      a.put(Buffer.alloc(size, 'a')),
      b.put(Buffer.alloc(size, 'b')),
    ]);
    expect(atB.equals(Buffer.alloc(size, 'a'))).toBe(true);
    expect(atA.equals(Buffer.alloc(size, 'b'))).toBe(true);
  });
});

describe('many calls at once', () => {
  test('each message goes to exactly one get, in the order of the gets', async () => {
    using pair = channel<number>();
    const [r, w] = pair;
    const gets = Array.from({ length: 500 }, () => r.get());
    for (let i = 0; i < 500; i++) void w.put(i);
    expect(await Promise.all(gets)).toEqual(Array.from({ length: 500 }, (_, i) => i));
  });

  test('gets that come while others wait go behind them', async () => {
    using pair = channel<number>();
    const [r, w] = pair;
    const order: string[] = [];
    const get = async (name: string) => order.push(`${name}${String(await r.get())}`);
    const first = get('a');
    await w.put(1);
    await w.put(2);
    const second = get('b');
    await Promise.all([first, second]);
    expect(order).toEqual(['a1', 'b2']);
  });

  test('frames never interleave, from 1 byte to 20 MB', async () => {
    using pair = channel<Buffer>({ encoder: null, decoder: null });
    const [r, w] = pair;
    const sizes = [1, 20_000_000, 3, 70_000, 0, 65_532, 65_536, 1_000_000, 16_380, 16_384, 5, 262_144, 2];
    const puts = sizes.map((size, i) => w.put(Buffer.alloc(size, i + 1)));
    for (const [i, size] of sizes.entries()) {
      const message = await r.get();
      expect(message).toHaveLength(size);
      expect(message.equals(Buffer.alloc(size, i + 1))).toBe(true);
    }
    await Promise.all(puts);
  });

  test('puts that wait for a full pipe keep their order', async () => {
    using pair = channel<{ i: number; padding: string }>();
    const [r, w] = pair;
    const count = 400;
    const padding = 'x'.repeat(30_000);
    const done: number[] = [];
    const puts = Array.from({ length: count }, (_, i) => w.put({ i, padding }).then(() => done.push(i)));
    for (let i = 0; i < count; i++) expect((await r.get()).i).toBe(i);
    await Promise.all(puts);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
  });

  test('a mix of puts with and without options keeps its order', async () => {
    using pair = channel<string>();
    const [r, w] = pair;
    const done: string[] = [];
    const put = (text: string, options?: { timeout: number }) => w.put(text, options).then(() => done.push(text));
    const puts = [put('a'), put('b', { timeout: 60_000 }), put('c'), put('d', { timeout: 60_000 })];
    for (const text of 'abcd') expect(await r.get()).toBe(text);
    await Promise.all(puts);
    expect(done).toEqual(['a', 'b', 'c', 'd']);
  });
});

test('later changes to a value are not seen', async () => {
  using pair = channel<{ list: number[]; bytes: Buffer }>();
  const [r, w] = pair;
  const value = { list: [1], bytes: Buffer.from('as it was') };
  const put = w.put(value);
  value.list.push(2);
  value.bytes.fill(0);
  await put;
  expect(await r.get()).toEqual({ list: [1], bytes: Buffer.from('as it was') });
});

test('later messages do not overwrite the bytes of an earlier one', async () => {
  using pair = channel<Buffer>({ encoder: null, decoder: null });
  const [r, w] = pair;
  await w.put(Buffer.alloc(1000, 'a'));
  const first = await r.get();
  await w.put(Buffer.alloc(1000, 'b'));
  await r.get();
  expect(first.equals(Buffer.alloc(1000, 'a'))).toBe(true);
});

test('messages wait in the kernel until a get() takes them', async () => {
  using pair = channel<string>();
  const [r, w] = pair;
  await w.put('patient');
  await turns();
  expect(r.tryGet()).toEqual({ value: 'patient' });
});

describe('tryGet', () => {
  test('is undefined if nothing is there, and takes no message of a get that waits', async () => {
    using pair = channel<string>();
    const [r, w] = pair;
    expect(r.tryGet()).toBeUndefined();
    const waiting = r.get();
    await w.put('for the get');
    expect(r.tryGet()).toBeUndefined();
    expect(await waiting).toBe('for the get');
  });

  test('takes what is there, one after the other', async () => {
    using pair = channel<string | undefined>();
    const [r, w] = pair;
    await w.put('one');
    await w.put(undefined);
    expect(r.tryGet()).toEqual({ value: 'one' });
    expect(r.tryGet()).toEqual({ value: undefined });
    expect(r.tryGet()).toBeUndefined();
  });

  test('takes a message that is larger than one read', async () => {
    using pair = channel<string>();
    const [r, w] = pair;
    const text = 'long '.repeat(20_000);
    await w.put(text);
    expect(r.tryGet()).toEqual({ value: text });
  });

  test('leaves half a message for later', async () => {
    const { reader, tap, feed } = readerAndTap({ decoder: 'json' });
    const frame = frameOf('"whole"');
    feed(frame.subarray(0, 6));
    expect(reader.tryGet()).toBeUndefined();
    feed(frame.subarray(6));
    expect(reader.tryGet()).toEqual({ value: 'whole' });
    tap.close();
    expect(thrownBy(() => reader.tryGet())).toBeInstanceOf(EndOfStreamError);
    reader.close();
    expect(thrownBy(() => reader.tryGet())).toBeInstanceOf(ClosedError);
  });

  test('of a duplex channel does the same', async () => {
    using pair = channel({ duplex: true });
    const [a, b] = pair;
    expect(a.tryGet()).toBeUndefined();
    await b.put('x');
    expect(a.tryGet()).toEqual({ value: 'x' });
    a.close();
    expect(thrownBy(() => a.tryGet())).toBeInstanceOf(ClosedError);
  });
});

describe('for await', () => {
  test('yields the messages until the peer has closed', async () => {
    const [r, w] = channel<number>();
    for (let i = 0; i < 10; i++) await w.put(i);
    w.close();
    const seen: number[] = [];
    for await (const message of r) seen.push(message);
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(r.isClosed).toBe(false);
    r.close();
  });

  test('that is left early leaves the channel open, and takes nothing more', async () => {
    using pair = channel<number>({ duplex: true });
    const [a, b] = pair;
    for (let i = 0; i < 3; i++) await b.put(i);
    for await (const message of a) if (message === 0) break;
    expect(await a.get()).toBe(1);
    for await (const message of a) {
      expect(message).toBe(2);
      break;
    }
    await b.put(3);
    expect(await a.get()).toBe(3);
  });

  test('rejects for what is no end', async () => {
    const { reader, tap, feed } = readerAndTap();
    feed(frameOf('').subarray(0, 3));
    tap.close();
    const loop = async () => {
      for await (const message of reader) expect(message).toBe('never');
    };
    expect(await errorOf(loop())).toMatchObject({ code: 'ERR_AIOPIPE_INCOMPLETE_READ' });
    reader.close();
    expect(await errorOf(loop())).toBeInstanceOf(ClosedError);
  });

  test('of two loops gives each message to one of them', async () => {
    const [r, w] = channel<number>();
    const seen: number[] = [];
    const loop = async () => {
      for await (const message of r) seen.push(message);
    };
    const loops = [loop(), loop()];
    for (let i = 0; i < 100; i++) await w.put(i);
    w.close();
    await Promise.all(loops);
    expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    r.close();
  });
});

describe('its iterator', () => {
  test('may be asked many times at once: each call gets a message in order, and those past the last one the end', async () => {
    const [r, w] = channel<number>();
    const messages = r[Symbol.asyncIterator]();
    await w.put(0);
    const calls = Array.from({ length: 5 }, () => messages.next());
    for (let i = 1; i < 3; i++) await w.put(i);
    w.close();
    const end = { done: true, value: undefined };
    const given = [0, 1, 2].map((value) => ({ done: false, value }));
    expect(await Promise.all(calls)).toEqual([...given, end, end]);
    expect(await messages.next()).toEqual(end);
    r.close();
  });

  test('gives no more after return(), which leaves the channel open', async () => {
    using pair = channel<number>();
    const [r, w] = pair;
    await w.put(1);
    const messages = r[Symbol.asyncIterator]();
    expect(await messages.return()).toEqual({ done: true, value: undefined });
    expect(await messages.next()).toEqual({ done: true, value: undefined });
    expect(await r.get()).toBe(1);
  });

  test('is over with the first error; another one goes on', async () => {
    const { reader, tap, feed } = readerAndTap({ decoder: 'json' });
    feed(Buffer.concat([frameOf('{oops'), frameOf('1')]));
    const messages = reader[Symbol.asyncIterator]();
    expect(await errorOf(messages.next())).toMatchObject({ code: 'ERR_AIOPIPE_DECODE' });
    expect(await messages.next()).toEqual({ done: true, value: undefined });
    expect(await reader[Symbol.asyncIterator]().next()).toEqual({ done: false, value: 1 });
    reader.close();
    tap.close();
  });
});

test('a pair is disposed of together, and what was put before it can still not be got', async () => {
  let ends: readonly [ChannelReader, ChannelWriter];
  {
    using pair = channel();
    ends = pair;
  }
  expect(ends.map(({ isClosed }) => isClosed)).toEqual([true, true]);
  expect(await errorOf(ends[0].get())).toBeInstanceOf(ClosedError);
  const pair = channel({ duplex: true });
  pair[0].close();
  pair[Symbol.dispose]();
  pair[Symbol.dispose]();
  expect(pair[1].isClosed).toBe(true);
});

test('options that cannot be are refused before anything is opened', () => {
  for (const options of [
    5,
    null,
    { duplex: 1 },
    { encoder: 5 },
    { decoder: {} },
    { encoder: 'unknown' },
    { maxFrameLength: 0 },
    { maxFrameLength: 1.5 },
    { maxFrameLength: 2 ** 32 },
    { maxFrameLength: '5' },
    { queueLimit: -1 },
    { queueLimit: NaN },
  ]) {
    expect(thrownBy(() => channel(options as never))).toMatchObject({
      name: 'TypeError',
      message: expect.stringContaining('expected') as string,
    });
  }
});

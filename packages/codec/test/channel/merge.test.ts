import { inspect } from 'node:util';
import { afterAll, describe, expect, expectTypeOf, test } from 'vitest';
import { leakCheck } from '@aiopipe/testing';
import { AbortError, aioduplex, BusyError, ClosedError } from '@aiopipe/core';
import {
  Channel,
  channel,
  type ChannelReader,
  ChannelWriter,
  DecodeError,
  FrameTooLongError,
  merge,
} from '@aiopipe/codec';
import { channelAndTap, errorOf, frameOf, isPending, thrownBy, turns } from './helpers.js';

afterAll(leakCheck());

interface Pairs<T> extends Disposable {
  readonly readers: ChannelReader<T>[];
  readonly writers: ChannelWriter<T>[];
}

function pairs<T>(count: number): Pairs<T> {
  const all = Array.from({ length: count }, () => channel<T>());
  return {
    readers: all.map(([reader]) => reader),
    writers: all.map(([, writer]) => writer),
    [Symbol.dispose]: () => {
      for (const pair of all) pair[Symbol.dispose]();
    },
  };
}

/** As many messages as are wanted, and the loop is left. */
async function some<T>(messages: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  for await (const message of messages) if (taken.push(message) === count) break;
  return taken;
}

describe('merge gives the messages of all channels', () => {
  test('in turn, as far as they have any, until all have ended', async () => {
    using three = pairs<string>(3);
    const { readers, writers } = three;
    const [a, b, c] = writers as [ChannelWriter<string>, ChannelWriter<string>, ChannelWriter<string>];
    for (const i of [1, 2, 3, 4]) void a.put(`a${String(i)}`);
    for (const i of [1, 2]) void b.put(`b${String(i)}`);
    void c.put('c1');
    for (const writer of writers) writer.close();
    const all: string[] = [];
    for await (const message of merge(readers)) all.push(message);
    expect(all).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4']);
    expect(readers.every((reader) => !reader.isClosed)).toBe(true);
  });

  test('and one that is never empty keeps no other waiting', async () => {
    using two = pairs<number>(2);
    const [busy, calm] = two.writers as [ChannelWriter<number>, ChannelWriter<number>];
    for (let i = 0; i < 1000; i++) void busy.put(i);
    await busy.drain();
    const taken: number[] = [];
    for await (const message of merge(two.readers)) {
      taken.push(message);
      if (taken.length === 10) await calm.put(-1);
      if (message === -1) break;
    }
    expect(taken.length).toBeLessThanOrEqual(14);
    expect(taken.slice(0, 10)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('of 50 writers that put whenever they can, each in its order', async () => {
    using many = pairs<[number, number]>(50);
    const writing = many.writers.map(async (writer, from) => {
      for (let i = 0; i < 100; i++) {
        await writer.put([from, i]);
        if ((from + i) % 7 === 0) await turns();
      }
      writer.close();
    });
    const next = many.writers.map(() => 0);
    for await (const [from, i] of merge(many.readers)) {
      expect(i).toBe(next[from]);
      next[from] = i + 1;
    }
    await Promise.all(writing);
    expect(next).toEqual(many.writers.map(() => 100));
  });

  test('of readers and duplex channels, with the types of both', async () => {
    using one = channel<string>();
    using two = channel<boolean, number>({ duplex: true });
    await one[1].put('text');
    await two[1].put(7);
    const messages = merge([one[0], two[0]]);
    const taken = await some(messages, 2);
    expectTypeOf(taken).toEqualTypeOf<(string | number)[]>();
    expect(taken).toEqual(['text', 7]);
  });

  test('once of a channel that is there twice, and none of none', async () => {
    using pair = channel<number>();
    const [r, w] = pair;
    await w.put(1);
    w.close();
    expect(await some(merge([r, r]), 5)).toEqual([1]);
    expect(await some(merge([]), 5)).toEqual([]);
  });
});

describe('a message that was not taken', () => {
  test('is there for the next get, wherever the loop was left', async () => {
    using two = pairs<number>(2);
    const [a, b] = two.readers as [ChannelReader<number>, ChannelReader<number>];
    for (const i of [1, 2, 3]) await Promise.all(two.writers.map((writer) => writer.put(i)));
    expect(await some(merge(two.readers), 3)).toEqual([1, 1, 2]);
    expect([await a.get(), await b.get(), await b.get()]).toEqual([3, 2, 3]);
    for (const reader of two.readers) reader.close();
  });

  test('is lost by no iterator that ends while its next waits', async () => {
    using two = pairs<number>(2);
    const [a, b] = two.readers as [ChannelReader<number>, ChannelReader<number>];
    const messages = merge(two.readers);
    const next = messages.next();
    expect(await isPending(next)).toBe(true);
    await messages.return?.();
    expect(await next).toEqual({ done: true, value: undefined });
    for (const writer of two.writers) await writer.put(1);
    expect([await a.get(), await b.get()]).toEqual([1, 1]);
    expect(await messages.next()).toEqual({ done: true, value: undefined });
  });

  test('if two come at once, one is given and the other is there', async () => {
    using two = pairs<number>(2);
    const messages = merge(two.readers);
    const next = messages.next();
    await Promise.all(two.writers.map((writer, i) => writer.put(i)));
    const { value } = (await next) as { value: number };
    await messages.return?.();
    expect(await (two.readers[1 - value] as ChannelReader<number>).get()).toBe(1 - value);
    expect(two.readers[value]?.tryGet()).toBeUndefined();
  });

  test('goes to the get that waited first', async () => {
    using pair = channel<number>();
    const [r, w] = pair;
    const before = r.get();
    const next = merge([r]).next();
    const after = r.get();
    for (const i of [1, 2, 3]) await w.put(i);
    expect([await before, (await next).value as unknown, await after]).toEqual([1, 2, 3]);
  });

  test('is found though another get has read it ahead', async () => {
    using two = pairs<number>(2);
    const [reader] = two.readers as [ChannelReader<number>];
    const [writer] = two.writers as [ChannelWriter<number>];
    const messages = merge(two.readers);
    const next = messages.next();
    await writer.put(0);
    expect((await next).value).toBe(0);
    for (const i of [1, 2]) void writer.put(i);
    await writer.drain();
    expect(await reader.get()).toBe(1);
    expect((await messages.next()).value).toBe(2);
  });
});

describe('an iteration ends', () => {
  test('at an abort, with nothing lost and no channel busy', async () => {
    using two = pairs<number>(2);
    const controller = new AbortController();
    const messages = merge(two.readers, { signal: controller.signal });
    const next = messages.next();
    controller.abort('enough');
    expect(await errorOf(next)).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR', cause: 'enough' });
    for (const writer of two.writers) await writer.put(1);
    expect(await errorOf(merge(two.readers, { signal: controller.signal }).next())).toBeInstanceOf(AbortError);
    for (const reader of two.readers) {
      expect(reader.tryGet()).toEqual({ value: 1 });
      reader.close();
    }
  });

  test('at an abort between two messages: none that is there is given after it', async () => {
    const [r, w] = channel<number>();
    for (let i = 0; i < 2000; i++) await w.put(i);
    const controller = new AbortController();
    let taken = 0;
    const loop = (async () => {
      for await (const message of merge([r], { signal: controller.signal })) {
        expect(message).toBe(taken++);
        if (taken === 100) controller.abort(new Error('enough'));
      }
    })();
    expect(await errorOf(loop)).toMatchObject({ code: 'ABORT_ERR', cause: { message: 'enough' } });
    expect(taken).toBe(100);
    expect(await r.get()).toBe(100);
    r.close();
    w.close();
  });

  test('with what is wrong in one channel, which it names; the others go on', async () => {
    using good = channel<number>({ duplex: true });
    for (const [bad, Kind] of [
      [frameOf([0xff, 0xff] as unknown as Uint8Array), DecodeError],
      [Buffer.from([0xff, 0xff, 0xff, 0xff]), FrameTooLongError],
    ] as const) {
      const { channel: broken, tap, feed } = channelAndTap();
      const next = merge([good[0], broken]).next();
      feed(bad);
      const error = await errorOf(next);
      expect(error).toBeInstanceOf(Kind);
      expect(error.message).toMatch(/^duplex end made at .*helpers\.ts:\d+:\d+: /);
      expect([broken.isClosed, good[0].isClosed]).toEqual([true, false]);
      tap.close();
    }
    await good[1].put(1);
    expect(await some(merge([good[0]]), 1)).toEqual([1]);
    good[0].close();
  });

  test('with the message alone that one cannot decode', async () => {
    const decoder = (bytes: Buffer) => JSON.parse(bytes.toString()) as unknown;
    using pair = channel<string>({ encoder: (text: string) => Buffer.from(text), decoder });
    const [r, w] = pair;
    for (const text of ['1', 'no JSON', '2']) void w.put(text);
    const messages = merge([r]);
    expect((await messages.next()).value).toBe(1);
    expect(await errorOf(messages.next())).toMatchObject({ code: 'ERR_AIOPIPE_DECODE', fatal: false });
    expect(await messages.next()).toEqual({ done: true, value: undefined });
    expect(await some(merge([r]), 1)).toEqual([2]);
  });

  test('with ClosedError if one is closed here, before or while it waits', async () => {
    using two = pairs<number>(2);
    const next = merge(two.readers).next();
    const busy = two.readers[1] as ChannelReader<number>;
    expect(thrownBy(() => busy.close())).toBeInstanceOf(BusyError);
    busy[Symbol.dispose]();
    expect(await errorOf(next)).toBeInstanceOf(ClosedError);
    expect(await errorOf(merge(two.readers).next())).toBeInstanceOf(ClosedError);
    two.readers[0]?.close();
  });
});

test('a second next while one waits is a BusyError', async () => {
  using pair = channel<number>();
  const [r, w] = pair;
  const messages = merge([r]);
  const next = messages.next();
  expect(await errorOf(messages.next())).toBeInstanceOf(BusyError);
  await w.put(1);
  expect((await next).value).toBe(1);
});

const LIST = 'merge: expected an array of channel readers or duplex channels';

test('what cannot be merged is a TypeError at once', () => {
  const [one, other] = aioduplex();
  using writer = ChannelWriter.from(one);
  using reader = Channel.from(other);
  for (const bad of [writer, undefined, {}, 'x']) {
    expect(thrownBy(() => merge([reader, bad as never]))).toBeInstanceOf(TypeError);
  }
  for (const none of [undefined, null, 5, {}, 'readers']) {
    const error = thrownBy(() => merge(none as never));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe(`${LIST}, not ${inspect(none)}`);
  }
  expect(thrownBy(() => merge([reader], { signal: 1 as never }))).toBeInstanceOf(TypeError);
});

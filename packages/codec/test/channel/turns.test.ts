import { readFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck } from '@aiopipe/testing';
import { channel, merge } from '@aiopipe/codec';
import { TimeoutError } from '@aiopipe/core';
import { errorOf, frameOf, isPending, readerAndTap, turns } from './helpers.js';

afterAll(leakCheck());

/** Keeps the thread busy, as a program does that works on a message. */
function work(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end) continue;
}

/** How many of something come before the loop has come round. */
async function countPerTurn(next: () => Promise<unknown>, most: number): Promise<number> {
  let hasTurned = false;
  setImmediate(() => {
    hasTurned = true;
  });
  let count = 0;
  for (; !hasTurned && count < most; count++) await next();
  return count;
}

const COUNT = 2000;

function manyFrames(): Buffer {
  return Buffer.concat(Array.from({ length: COUNT }, (_, i) => frameOf(JSON.stringify(i))));
}

describe('the loop comes round', () => {
  test('while messages are taken that are all there, and each gives work', async () => {
    const { reader, tap, feed } = readerAndTap({ decoder: 'json' });
    feed(manyFrames());
    expect(await reader.get()).toBe(0);
    const count = await countPerTurn(async () => {
      await reader.get();
      work(0.2);
    }, COUNT - 1);
    expect(count).toBeLessThan(COUNT / 4);
    for (let i = count + 1; i < COUNT; i++) expect(await reader.get()).toBe(i);
    reader.close();
    tap.close();
  });

  test('while a loop takes them', async () => {
    const { reader, tap, feed } = readerAndTap({ decoder: 'json' });
    feed(manyFrames());
    tap.close();
    let turnsOfLoop = 0;
    let isOver = false;
    const watch = (async () => {
      for (; !isOver; turnsOfLoop++) await turn();
    })();
    let expected = 0;
    for await (const message of reader) {
      expect(message).toBe(expected++);
      work(0.1);
    }
    isOver = true;
    await watch;
    expect(expected).toBe(COUNT);
    expect(turnsOfLoop).toBeGreaterThan(8);
    reader.close();
  });

  test('while they are merged', async () => {
    const { reader, tap, feed } = readerAndTap({ decoder: 'json' });
    feed(manyFrames());
    const merged = merge([reader])[Symbol.asyncIterator]();
    const count = await countPerTurn(async () => {
      await merged.next();
      work(0.2);
    }, COUNT);
    expect(count).toBeLessThan(COUNT / 4);
    await merged.return?.(undefined);
    reader.close();
    tap.close();
  });

  test('while messages are put that the pipe would take', async () => {
    using pair = channel<number>();
    const [r, w] = pair;
    const count = await countPerTurn(async () => {
      await w.put(1);
      work(0.2);
    }, COUNT);
    expect(count).toBeLessThan(COUNT / 4);
    for (let i = 0; i < count; i++) expect(await r.get()).toBe(1);
  });
});

describe('the loop comes round beside calls that are all served at once', () => {
  const CALLS = 60_000;

  async function turnsDuring(call: (i: number) => Promise<unknown>): Promise<number> {
    let count = 0;
    let isOver = false;
    const watch = (async () => {
      for (; !isOver; count++) await turn();
    })();
    for (let i = 0; i < CALLS; i++) await call(i);
    isOver = true;
    await watch;
    return count;
  }

  test('of put and get', async () => {
    using pair = channel<number>();
    const [r, w] = pair;
    const count = await turnsDuring((i) => {
      void w.put(i);
      return r.get();
    });
    expect(count).toBeGreaterThan(5);
  });

  test('of drain', async () => {
    using pair = channel<number>();
    expect(await turnsDuring(() => pair[1].drain())).toBeGreaterThan(5);
  });

  test('of the iterators', async () => {
    using pair = channel<number>();
    const [r, w] = pair;
    const iterator = merge([r]);
    const count = await turnsDuring((i) => {
      void w.put(i);
      return i % 2 === 0 ? iterator.next() : r[Symbol.asyncIterator]().next();
    });
    await iterator.return?.();
    expect(count).toBeGreaterThan(5);
  });
});

test('many channels in flood share a turn: each takes less of it, and all go on', async () => {
  const many = Array.from({ length: 40 }, () => readerAndTap({ decoder: 'json' }));
  for (const { feed } of many) feed(Buffer.concat(Array.from({ length: 160 }, (_, i) => frameOf(JSON.stringify(i)))));
  const counts = many.map(() => 0);
  const loops = many.map(async ({ reader, tap }, index) => {
    tap.close();
    for await (const message of reader) {
      expect(message).toBe((counts[index] as number)++);
      work(0.05);
    }
    reader.close();
  });
  const most: number[] = [];
  const sum = () => counts.reduce((one, other) => one + other);
  for (let before = 0; before < many.length * 160; before = sum()) {
    await turn();
    most.push(sum() - before);
  }
  await Promise.all(loops);
  // In a share of its own, one would take 20. A look at the clock is due after 16.
  expect(Math.max(...most.slice(2))).toBeLessThanOrEqual(many.length * 16);
});

// A socket says that it is writable only while no more than a quarter of its buffer is taken.
test.runIf(process.platform === 'linux')(
  'puts that the pipe has room for are done though the peer does not read',
  async () => {
    const most = Number(readFileSync('/proc/sys/net/core/wmem_max', 'utf8'));
    // The kernel doubles what it was asked for, and counts 768 bytes for a small message.
    const half = Math.min(most, 1 << 20) / 768;
    using pair = channel<number>();
    const [, w] = pair;
    for (let i = 0; i < half; i++) {
      await w.put(1);
      work(0.05);
    }
  },
);

describe('a get that waits for the loop alone', () => {
  test('is in time, however short its timeout is', async () => {
    const { reader, tap, feed } = readerAndTap({ decoder: 'json' });
    feed(manyFrames());
    for (let i = 0; i < 200; i++) {
      const get = reader.get({ timeout: 0 });
      work(0.5);
      expect(await get).toBe(i);
    }
    reader.close();
    tap.close();
  });

  test('rejects if it is aborted meanwhile, and takes nothing', async () => {
    const { reader, tap, feed } = readerAndTap({ decoder: 'json' });
    feed(manyFrames());
    let taken = 0;
    let aborted = 0;
    for (let i = 0; i < 200; i++) {
      const controller = new AbortController();
      const get = reader.get({ signal: controller.signal });
      controller.abort();
      work(0.2);
      const value = await get.catch(() => undefined);
      if (value === undefined) aborted++;
      else expect(value).toBe(taken++);
    }
    expect(aborted).toBeGreaterThan(0);
    expect(await reader.get()).toBe(taken);
    reader.close();
    tap.close();
  });

  test('keeps its place before those that come after it', async () => {
    const { reader, tap, feed } = readerAndTap({ decoder: 'json' });
    feed(manyFrames());
    const gets: Promise<unknown>[] = [];
    for (let i = 0; i < 100; i++) {
      gets.push(reader.get());
      work(0.1);
    }
    expect(await Promise.all(gets)).toEqual(gets.map((_, i) => i));
    reader.close();
    tap.close();
  });

  test('rejects if the channel is disposed of', async () => {
    const { reader, tap, feed } = readerAndTap({ decoder: 'json' });
    feed(manyFrames());
    const gets: Promise<unknown>[] = [];
    for (let i = 0; i < 100; i++) {
      gets.push(reader.get());
      work(0.1);
    }
    reader[Symbol.dispose]();
    const outcomes = await Promise.allSettled(gets);
    const rejected = outcomes.filter(({ status }) => status === 'rejected');
    expect(rejected.length).toBeGreaterThan(0);
    for (const { reason } of rejected as PromiseRejectedResult[]) {
      expect(reason).toMatchObject({ code: 'ERR_AIOPIPE_CLOSED' });
    }
    tap.close();
    await turns();
  });
});

test('a get with nothing to come still times out after a long turn', async () => {
  using pair = channel<number>();
  const [r, w] = pair;
  for (let i = 0; i < 64; i++) await w.put(i);
  for (let i = 0; i < 64; i++) {
    await r.get();
    work(0.1);
  }
  expect(await isPending(r.get({ timeout: 1 }).catch(() => undefined))).toBeTypeOf('boolean');
  expect(await errorOf(r.get({ timeout: 1 }))).toBeInstanceOf(TimeoutError);
});

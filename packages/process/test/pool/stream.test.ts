import { setTimeout } from 'node:timers/promises';
import { afterAll, describe, expect, expectTypeOf, test } from 'vitest';
import { AbortError, ClosedError, TimeoutError } from '@aiopipe/core';
import { ChildError, Pool } from '@aiopipe/process';
import { leakCheck, until } from '@aiopipe/testing';
import { square } from '../fixtures/does-tasks.js';
import { count, countAtOnce, countThen, list } from '../fixtures/streams-items.js';
import { errorOf, linesOf, scratchFiles } from '../helpers.js';

const { newFile, remove } = scratchFiles();
const checkLeaks = leakCheck();
afterAll(async () => {
  remove();
  await checkLeaks();
});

async function collect<Item>(items: AsyncIterable<Item>): Promise<{ items: Item[]; error?: unknown }> {
  const taken: Item[] = [];
  try {
    for await (const item of items) taken.push(item);
  } catch (error) {
    return { items: taken, error };
  }
  return { items: taken };
}

describe('a stream', () => {
  test.each([
    ['an async generator', count],
    ['a generator', countAtOnce],
  ])('yields what %s yields', async (_, target) => {
    await using pool = new Pool(target as typeof countAtOnce, { size: 1 });
    const { items } = await collect(pool.stream(1000));
    expect(items).toEqual(Array.from({ length: 1000 }, (_, n) => n));
    expectTypeOf(items).toEqualTypeOf<number[]>();
  });

  test('yields the items of any iterable that the target returns', async () => {
    await using pool = new Pool(list, { size: 1 });
    expect(await collect(pool.stream(3, 1, 2))).toEqual({ items: [3, 1, 2] });
    expect(await pool.run(3, 1, 2)).toEqual([3, 1, 2]);
  });

  test('of a target that gives nothing to iterate over rejects', async () => {
    await using pool = new Pool(square, { size: 1 });
    const { error } = await collect(pool.stream(3));
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toContain('run()');
  });

  test('is what a generator is for: run() rejects and says so', async () => {
    await using pool = new Pool(count, { size: 1 });
    const error = await errorOf(pool.run(3));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain('stream()');
    expectTypeOf(pool.run).returns.toEqualTypeOf<Promise<never>>();
  });

  test('begins with its first item', async () => {
    await using pool = new Pool(count, { size: 1 });
    const stream = pool.stream(3);
    expect(pool.stats).toMatchObject({ queued: 0, running: 0 });
    expect(await stream.next()).toEqual({ done: false, value: 0 });
    await stream.return();
  });

  test('stops its generator while no items are taken', async () => {
    const log = newFile();
    await using pool = new Pool(count, { size: 1 });
    const size = 64 * 1024;
    const stream = pool.stream(1000, log, size);
    await stream.next();
    // It goes on until the channel is full.
    let before = -1;
    while (linesOf(log).length > before) {
      before = linesOf(log).length;
      await setTimeout(200);
    }
    expect(before).toBeLessThan(200);
    const { items } = await collect(stream);
    expect(items).toHaveLength(999);
    expect((items[998] as Buffer).every((byte) => byte === 999 % 256)).toBe(true);
  });

  test('that is left early runs the finally of its generator first, and its worker goes on', async () => {
    const log = newFile();
    await using pool = new Pool(count, { size: 1 });
    for await (const n of pool.stream(1e9, log)) if (n === 3) break;
    expect(linesOf(log)).toEqual(['left']);
    expect(await collect(pool.stream(2))).toEqual({ items: [0, 1] });
    expect(pool.stats).toMatchObject({ cancelled: 1, completed: 1, killed: 0, restarts: 0 });
  });

  test('that is left while its generator waits tells it by the signal', async () => {
    await using pool = new Pool(countThen, { size: 1, cancelGrace: 60_000 });
    for await (const n of pool.stream(3, 'wait')) if (n === 2) break;
    expect(await collect(pool.stream(1, 'nothing'))).toEqual({ items: [0] });
    expect(pool.stats).toMatchObject({ killed: 0, restarts: 0 });
  });

  test('that is left and does not stop is killed after the grace, and replaced', async () => {
    await using pool = new Pool(countThen, { size: 1, cancelGrace: 50 });
    for await (const n of pool.stream(3, 'hang')) if (n === 2) break;
    expect(await collect(pool.stream(1, 'nothing'))).toEqual({ items: [0] });
    expect(pool.stats).toMatchObject({ killed: 1, restarts: 0 });
  });

  test.each([
    ['throw', RangeError, 'after the last'],
    ['function', Error, 'item: a function cannot be sent'],
    ['die', ChildError, 'SIGKILL'],
  ])('yields all items before the error (%s)', async (what, Class, message) => {
    await using pool = new Pool(countThen, { size: 1 });
    const { items, error } = await collect(pool.stream(100, what));
    expect(items).toEqual(Array.from({ length: 100 }, (_, n) => n));
    expect(error).toBeInstanceOf(Class);
    expect((error as Error).message).toContain(message);
    expect(await collect(pool.stream(1, 'nothing'))).toEqual({ items: [0] });
  });

  test('is not tried again once it has yielded, and is before', async () => {
    await using pool = new Pool(countThen, { size: 1, retries: 2 });
    expect((await collect(pool.stream(3, 'die'))).items).toEqual([0, 1, 2]);
    expect(pool.stats).toMatchObject({ retried: 0, failed: 1 });
    expect((await collect(pool.stream(0, 'die'))).error).toBeInstanceOf(ChildError);
    expect(pool.stats).toMatchObject({ retried: 2, failed: 2 });
  });

  test('ends by a signal', async () => {
    await using pool = new Pool(countThen, { size: 1, cancelGrace: 50 });
    const controller = new AbortController();
    const stream = pool.with({ signal: controller.signal }).stream(1, 'hang');
    expect(await stream.next()).toEqual({ done: false, value: 0 });
    const next = errorOf(stream.next());
    controller.abort();
    expect(await next).toBeInstanceOf(AbortError);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test('yields nothing after an abort, also of what has come, and its worker is free at once', async () => {
    await using pool = new Pool(count, { size: 1 });
    const controller = new AbortController();
    const stream = pool.with({ signal: controller.signal }).stream(1e9);
    for (let n = 0; n < 3; n++) expect(await stream.next()).toEqual({ done: false, value: n });
    controller.abort();
    await until('its worker is idle', () => pool.stats.workers.idle === 1);
    expect(await errorOf(stream.next())).toBeInstanceOf(AbortError);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test('takes a timeout for each item', async () => {
    await using pool = new Pool(countThen, { size: 1 });
    await collect(pool.stream(0, 'nothing'));
    const { items, error } = await collect(pool.with({ timeout: 1000 }).stream(3, 'wait'));
    expect(items).toEqual([0, 1, 2]);
    expect(error).toBeInstanceOf(TimeoutError);
    expect(pool.stats.killed).toBe(0);
  });

  test('whose items wait does not keep its worker from being replaced', async () => {
    await using pool = new Pool(countThen, { size: 1 });
    const stream = pool.stream(100, 'die');
    await stream.next();
    await until('it has died', () => pool.stats.restarts === 1);
    expect(await collect(pool.stream(2, 'nothing'))).toEqual({ items: [0, 1] });
    const { items, error } = await collect(stream);
    expect(items).toHaveLength(99);
    expect(error).toBeInstanceOf(ChildError);
  });

  test('whose items are taken when its worker has died has them all, and that worker gets no more tasks', async () => {
    await using pool = new Pool(countThen, { size: 1 });
    const stream = pool.stream(3, 'die after');
    expect(await stream.next()).toEqual({ done: false, value: 0 });
    await until('its worker has died', () => pool.stats.restarts === 1);
    expect((await collect(stream)).items).toEqual([1, 2]);
    expect(await Promise.all([1, 2, 3].map(async (n) => (await collect(pool.stream(n, ''))).items.length))).toEqual([
      1, 2, 3,
    ]);
    await until('it is idle', () => pool.stats.workers.idle === 1);
    expect(pool.stats).toMatchObject({ restarts: 1, completed: 4, failed: 0, retried: 0 });
  });

  test('whose items are not taken ends with its pool', async () => {
    const pool = new Pool(countThen, { size: 2 });
    const living = pool.stream(1000, 'nothing');
    const dying = pool.stream(1000, 'die');
    await Promise.all([living.next(), dying.next()]);
    await until('one has died', () => pool.stats.restarts === 1);
    await pool[Symbol.asyncDispose]();
    expect(await errorOf(living.next())).toBeInstanceOf(ClosedError);
    expect(await errorOf(dying.next())).toBeInstanceOf(ClosedError);
  });

  test('many at once, each to its end', async () => {
    await using pool = new Pool(count, { size: 2 });
    const all = await Promise.all(Array.from({ length: 10 }, () => collect(pool.stream(500))));
    for (const { items } of all) expect(items).toHaveLength(500);
  });
});

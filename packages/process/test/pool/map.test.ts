import { writeFileSync } from 'node:fs';
import { afterAll, describe, expect, expectTypeOf, test } from 'vitest';
import { AbortError, ClosedError, TimeoutError } from '@aiopipe/core';
import { Pool } from '@aiopipe/process';
import { leakCheck, until } from '@aiopipe/testing';
import { square, take, type Step } from '../fixtures/does-tasks.js';
import { errorOf, linesOf, scratchFiles, thrownBy } from '../helpers.js';

const { newFile, remove } = scratchFiles();
const checkLeaks = leakCheck();
afterAll(async () => {
  remove();
  await checkLeaks();
});

describe('map', () => {
  test('yields the results in the order of the items', async () => {
    await using pool = new Pool(square, { size: 2 });
    const results: number[] = [];
    const items = Array.from({ length: 100 }, (_, i) => i);
    for await (const result of pool.map(items)) results.push(result);
    expect(results).toEqual(items.map((n) => n * n));
  });

  test('takes an async iterable, and items only as fast as results are taken', async () => {
    await using pool = new Pool(square, { size: 2 });
    let taken = 0;
    async function* items() {
      for (; taken < 50;) yield taken++;
    }
    const results: number[] = [];
    for await (const result of pool.map(items(), { concurrency: 5 })) {
      results.push(result);
      expect(taken - results.length).toBeLessThanOrEqual(5);
    }
    expect(results).toHaveLength(50);
  });

  test('ends its source when it is left, and the pool goes on', async () => {
    await using pool = new Pool(square, { size: 2 });
    let isEnded = false;
    function* items() {
      try {
        for (let n = 0; ; n++) yield n;
      } finally {
        isEnded = true;
      }
    }
    for await (const result of pool.map(items())) if (result >= 9) break;
    expect(isEnded).toBe(true);
    expect(await pool.run(7)).toBe(49);
    await pool.close();
  });

  test('yields the first result though its source has not given the next item', async () => {
    await using pool = new Pool(square, { size: 1 });
    let goOn: () => void = () => undefined;
    async function* items() {
      yield 3;
      await new Promise<void>((resolve) => (goOn = resolve));
      yield 4;
    }
    const results = pool.map(items());
    expect(await results.next()).toEqual({ done: false, value: 9 });
    goOn();
    expect(await results.next()).toEqual({ done: false, value: 16 });
    expect(await results.next()).toEqual({ done: true, value: undefined });
  });

  test('yields the results as they come, if asked', async () => {
    await using pool = new Pool(take, { size: 2 });
    const gate = newFile();
    const items: Step[] = [{ gate, value: 0 }, { value: 1 }, { value: 2 }, { value: 3 }];
    const results: unknown[] = [];
    for await (const result of pool.map(items, { ordered: false })) {
      results.push(result);
      if (results.length === 3) writeFileSync(gate, '');
    }
    expect(results).toEqual([1, 2, 3, 0]);
  });

  test.each([true, false])('(ordered: %j) never overruns the queue, others in it or not', async (ordered) => {
    await using pool = new Pool(square, { size: 1, queueLimit: 2 });
    const items = Array.from({ length: 40 }, (_, n) => n);
    const squares = items.map((n) => n * n);
    const all = async () => {
      const results: number[] = [];
      for await (const result of pool.map(items, { concurrency: 10, ordered })) results.push(result);
      return results.sort((a, b) => a - b);
    };
    expect(await Promise.all([all(), all(), all()])).toEqual([squares, squares, squares]);
  });

  test('rejects with the first failure in order, ends its source, and cancels what it had begun', async () => {
    await using pool = new Pool(take, { size: 2 });
    const [log, gate] = [newFile(), newFile()];
    const results: unknown[] = [];
    let isEnded = false;
    function* items(): Generator<Step> {
      try {
        yield { value: 0 };
        yield { value: 1 };
        yield { value: 2, failure: 'of this task' };
        for (let value = 3; ; value++) yield { gate, value, log };
      } finally {
        isEnded = true;
      }
    }
    const error = await errorOf(
      (async () => {
        for await (const result of pool.map(items(), { concurrency: 6 })) results.push(result);
      })(),
    );
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toBe('of this task');
    expect(results).toEqual([0, 1]);
    expect(isEnded).toBe(true);
    // The tasks at the gate are told to stop, and the rest are never begun.
    await until('both workers are idle', () => pool.stats.workers.idle === 2);
    expect(pool.stats).toMatchObject({ completed: 2, failed: 1, queued: 0, running: 0, killed: 0 });
    expect(linesOf(log).length).toBeLessThanOrEqual(2);
  });

  test('in any order rejects as soon as a task fails', async () => {
    await using pool = new Pool(take, { size: 2 });
    const gate = newFile();
    const items: Step[] = [{ gate, value: 0 }, { failure: 'the second' }];
    const results = pool.map(items, { ordered: false });
    expect((await errorOf(results.next())).message).toBe('the second');
    expect(await results.next()).toEqual({ done: true, value: undefined });
  });

  test('that is left cancels what it had begun and not yielded', async () => {
    await using pool = new Pool(take, { size: 2 });
    const gate = newFile();
    const items: Step[] = [{ value: 0 }, { gate }, { gate }, { gate }];
    for await (const result of pool.map(items)) {
      expect(result).toBe(0);
      await until('the rest has begun', () => pool.stats.queued === 1);
      break;
    }
    expect(pool.stats).toMatchObject({ cancelled: 3, queued: 0, running: 0 });
    await until('both workers are idle', () => pool.stats.workers.idle === 2);
    expect(pool.stats.killed).toBe(0);
  });

  test('rejects with what its source throws, after the results of the items before', async () => {
    await using pool = new Pool(square, { size: 2 });
    function* items() {
      yield 2;
      yield 3;
      throw new RangeError('no more items');
    }
    const results: number[] = [];
    const error = await errorOf(
      (async () => {
        for await (const result of pool.map(items())) results.push(result);
      })(),
    );
    expect(error.message).toBe('no more items');
    expect(results).toEqual([4, 9]);
  });

  test('waits no longer for its source than a signal says', async () => {
    await using pool = new Pool(square, { size: 1 });
    const controller = new AbortController();
    async function* items() {
      yield 2;
      await new Promise(() => undefined);
    }
    const results = pool.with({ signal: controller.signal }).map(items());
    expect(await results.next()).toEqual({ done: false, value: 4 });
    const next = errorOf(results.next());
    controller.abort();
    expect(await next).toBeInstanceOf(AbortError);
  });

  test.each([true, false])('yields nothing after an abort, also of what has come (ordered: %s)', async (ordered) => {
    await using pool = new Pool(square, { size: 2 });
    const controller = new AbortController();
    let taken = 0;
    function* items() {
      for (;;) yield taken++;
    }
    const results = pool.with({ signal: controller.signal }).map(items(), { concurrency: 8, ordered });
    await results.next();
    await until('more have come', () => pool.stats.completed >= 8);
    const before = taken;
    controller.abort(new Error('enough'));
    const error = await errorOf(results.next());
    expect(error).toMatchObject({ code: 'ABORT_ERR', cause: { message: 'enough' } });
    expect(await results.next()).toEqual({ done: true, value: undefined });
    expect(taken).toBe(before);
  });

  test('is for targets of one argument', () => {
    expectTypeOf<Parameters<Pool<[n: number], string>['map']>[0]>().toExtend<
      Iterable<unknown> | AsyncIterable<unknown>
    >();
    const several = {} as Pool<[a: number, b: string], string>;
    // @ts-expect-error -- it would be called without its second argument
    expect(() => several.map([1])).toThrow();
  });

  test('gives each task the timeout', async () => {
    await using pool = new Pool(take, { size: 1 });
    await pool.run({ value: 'warm' });
    const results = pool.with({ timeout: 1000 }).map([{ value: 1 }, { gate: newFile() }]);
    expect(await results.next()).toEqual({ done: false, value: 1 });
    expect(await errorOf(results.next())).toBeInstanceOf(TimeoutError);
  });

  test('of a closed pool rejects', async () => {
    const pool = new Pool(square, { size: 1 });
    await pool.close();
    expect(await errorOf(pool.map([1]).next())).toBeInstanceOf(ClosedError);
  });

  test.each([
    ['items', [5 as never, {}]],
    ['concurrency', [[1], { concurrency: 0 }]],
    ['ordered', [[1], { ordered: 1 as never }]],
  ] as const)('refuses bad %s at once', async (_, args) => {
    await using pool = new Pool(square, { size: 1 });
    expect(thrownBy(() => pool.map(...(args as unknown as Parameters<typeof pool.map>)))).toBeInstanceOf(TypeError);
  });
});

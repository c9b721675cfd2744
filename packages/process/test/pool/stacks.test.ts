import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { ChildError, Pool } from '@aiopipe/process';
import { leakCheck } from '@aiopipe/testing';
import { perform } from '../fixtures/does-tasks.js';
import { countThen } from '../fixtures/streams-items.js';

afterAll(leakCheck());

const here = fileURLToPath(import.meta.url);

/** The error of what `ask` awaits. */
async function failureOf(ask: () => Promise<unknown>): Promise<Error> {
  try {
    await ask();
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not fail');
}

/** The caller's frames: the name of the function in this file that awaited. */
const frames = (error: Error) => (error.stack ?? '').split('\n').filter((line) => line.includes(here));

describe('the stack of the error of a task', () => {
  test.each([
    ['that threw', 'throw'],
    ['that died', 'die'],
    ['whose result cannot be sent', 'function'],
  ])('%s has the line of the caller that awaits it', async (_, what) => {
    await using pool = new Pool(perform, { size: 1 });
    const error = await failureOf(async function theCaller() {
      await pool.run(what);
    });
    expect(frames(error)[0]).toContain('theCaller');
    expect(error.stack).toMatch(/^(RangeError|ChildError|EncodeError).*: /);
    if (what === 'throw') expect(error.stack?.indexOf('does-tasks')).toBeLessThan(error.stack?.indexOf(here) ?? 0);
  });

  test('has it behind Promise.all() and then()', async () => {
    await using pool = new Pool(perform, { size: 1 });
    const error = await failureOf(async function theCaller() {
      await Promise.all([pool.run('pid'), pool.run('throw').then(String)]);
    });
    expect(frames(error)[0]).toContain('theCaller');
  });

  test.each([
    ['timed out', 50, undefined, 'ERR_AIOPIPE_TIMEOUT', 'the task of the pool of perform was not done within 50 ms'],
    [
      'was aborted',
      undefined,
      50,
      'ABORT_ERR',
      'the task of the pool of perform was not done: the operation was aborted',
    ],
  ])('that %s has the line of its call, and names the pool', async (_, timeout, abort, code, message) => {
    await using pool = new Pool(perform, { size: 1, cancelGrace: 0 });
    await pool.run('pid');
    const signal = abort === undefined ? undefined : AbortSignal.timeout(abort);
    const error = await failureOf(async function theCaller() {
      const promise = pool.with({ timeout, signal }).run('hang');
      await promise;
    });
    expect(error).toMatchObject({ code, message });
    expect(frames(error)[0]).toContain('theCaller');
  });

  test('of a map and of a stream has the line of the loop', async () => {
    await using pool = new Pool(perform, { size: 1 });
    const ofMap = await failureOf(async function theCaller() {
      for await (const _ of pool.with({ retries: 0 }).map(['pid', 'throw', 'pid'])) void _;
    });
    expect(frames(ofMap)[0]).toContain('theCaller');
    await using counts = new Pool(countThen, { size: 1 });
    const ofStream = await failureOf(async function theCaller() {
      for await (const _ of counts.stream(3, 'throw')) void _;
    });
    expect(ofStream).toBeInstanceOf(RangeError);
    expect(frames(ofStream)[0]).toContain('theCaller');
  });
});

describe('the error of a pool that takes no more tasks', () => {
  test('is each caller’s own, with its line, if it was closed', async () => {
    const pool = new Pool(perform, { size: 1 });
    await pool.close();
    const first = await failureOf(async function theFirst() {
      await pool.run('pid');
    });
    const second = await failureOf(async function theSecond() {
      await pool.run('pid');
    });
    expect(frames(first)[0]).toContain('theFirst');
    expect(frames(second)[0]).toContain('theSecond');
    expect(first.message).toBe('the pool of perform is closed');
    const ofMap = await failureOf(async function theThird() {
      for await (const _ of pool.map(['pid'])) void _;
    });
    expect(frames(ofMap)[0]).toContain('theThird');
  });

  test('is each caller’s own, with its line, if it was closed while tasks waited', async () => {
    const pool = new Pool(perform, { size: 1 });
    const asks = [1, 2, 3].map(() =>
      failureOf(async function theCaller() {
        await pool.run('hang');
      }),
    );
    await pool[Symbol.asyncDispose]();
    const errors = await Promise.all(asks);
    expect(new Set(errors).size).toBe(3);
    for (const error of errors) expect(frames(error).join()).toContain('theCaller');
  });

  test('is each caller’s own, with its line, if it gave up', async () => {
    await using pool = new Pool(perform, { size: 1, intensity: 0 });
    expect(await failureOf(() => pool.run('die'))).toBeInstanceOf(ChildError);
    const errors = [];
    for (let i = 0; i < 2; i++) {
      errors.push(
        await failureOf(async function theCaller() {
          await pool.run('pid');
        }),
      );
    }
    expect(errors[0]).not.toBe(errors[1]);
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'ERR_AIOPIPE_INTENSITY' });
      expect(frames(error)[0]).toContain('theCaller');
    }
  });
});

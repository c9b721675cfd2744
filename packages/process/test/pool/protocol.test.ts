// The pool accepts a worker's messages only if they fit the tasks that the worker got: see docs/protocol.md.
import { spawnSync } from 'node:child_process';
import { afterAll, describe, expect, test } from 'vitest';
import { ChildError, Pool } from '@aiopipe/process';
import { leakCheck, runFixture, until } from '@aiopipe/testing';
import { fill, NAMES, speak } from '../fixtures/speaks-out-of-turn.js';

afterAll(leakCheck());

const numbers = Array.from({ length: 30 }, (_, n) => n);

describe('a worker that says', () => {
  test.each(NAMES)('%s is ended, and touches no task but its own', async (how) => {
    const pool = new Pool(speak, { size: 2 });
    expect(await Promise.all(numbers.map((n) => pool.run(n)))).toEqual(numbers);
    const before = numbers.map((n) => pool.run(n));
    // One that answers its own task has said what it may, until it says more.
    const victim = pool.run('victim', how).then(
      () => undefined,
      (error: unknown) => error,
    );
    const after = numbers.map((n) => pool.run(n));
    expect(await Promise.all(before)).toEqual(numbers);
    expect(await Promise.all(after)).toEqual(numbers);
    const error = await victim;
    if (error !== undefined) {
      expect(error).toBeInstanceOf(ChildError);
      expect(error).toMatchObject({ code: 'ERR_AIOPIPE_NO_RESULT', cause: { code: 'ERR_AIOPIPE_PROTOCOL' } });
    }
    // One that has answered its task is ended only when it has said more.
    await until('it was ended', () => pool.stats.restarts === 1);
    expect(pool.stats.retried).toBe(0);
    expect(await Promise.all(numbers.map((n) => pool.run(n)))).toEqual(numbers);
    await pool.close();
  });
});

test('a worker that fills the pipe of its claims does not hold up the pool', async () => {
  const pool = new Pool(fill, { size: 1 });
  expect(await pool.run(1)).toBe(1);
  const filled = pool.run(2, 'claims').catch((error: unknown) => (error as Error).name);
  expect(await Promise.all(numbers.map((n) => pool.run(n)))).toEqual(numbers);
  expect([2, 'ChildError']).toContain(await filled);
  await until('it was ended', () => pool.stats.restarts === 1);
  await pool.close();
});

const canLimit = spawnSync('prlimit', ['--version']).status === 0;

test.runIf(canLimit)('results that there are no descriptors for settle every task, and close() ends', async () => {
  const { stdout, stderr } = await runFixture('runs-a-pool-with-few-descriptors');
  expect(stdout, stderr).not.toBe('');
  const { settled, resolved } = JSON.parse(stdout) as { settled: number; resolved: number };
  expect(settled).toBe(600);
  expect(resolved).toBeGreaterThan(0);
  expect(resolved).toBeLessThan(200);
});

test.runIf(canLimit)(
  'a pool that there are no descriptors for throws or rejects an error of ours, and leaves none open',
  async () => {
    const { stdout, stderr } = await runFixture('makes-pools-with-few-descriptors');
    expect(stdout, stderr).not.toBe('');
    const attempts = JSON.parse(stdout) as { isOurs: boolean; text: string; left: unknown[] }[];
    expect(attempts.length).toBeGreaterThan(5);
    expect(attempts.pop()).toEqual({ isOurs: false, text: 'undefined', left: [] });
    for (const attempt of attempts) {
      expect(attempt).toMatchObject({ isOurs: true, left: [] });
      expect(attempt.text).toMatch(/EMFILE.*ulimit -n/);
    }
  },
);

test.runIf(canLimit)('a start that failed for want of descriptors is tried again while a task waits', async () => {
  const { stdout, stderr } = await runFixture('starts-workers-late');
  expect(stdout, stderr).not.toBe('');
  const attempts = JSON.parse(stdout) as { outcome: string; failedStarts: boolean }[];
  expect(attempts.length).toBeGreaterThan(5);
  expect(attempts.map(({ outcome }) => outcome)).toEqual(attempts.map(() => 'done'));
});

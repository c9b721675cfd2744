import { afterAll, describe, expect, test } from 'vitest';
import { Pool } from '@aiopipe/process';
import { leakCheck, runFixture } from '@aiopipe/testing';
import { inspect } from 'node:util';
import { square } from '../fixtures/does-tasks.js';

afterAll(leakCheck());

async function warningsOf(way: string): Promise<string[]> {
  const { code, stdout } = await runFixture('has-unheard-tasks', { args: [way] });
  expect(code).toBe(0);
  return JSON.parse(stdout) as string[];
}

describe('a failed task whose promise is not used has one warning:', () => {
  test.each([
    [
      'forgotten',
      /^AIOPIPE_TASK_FAILED: .*a task of the pool of fails failed: RangeError: it went wrong.*has-unheard/s,
    ],
    ['one of two forgotten', /^AIOPIPE_TASK_FAILED: .*RangeError: it went wrong here/],
    ['many alike', /^AIOPIPE_TASK_FAILED: .*tasks? of the pool of fails failed: RangeError: it went wrong/],
    ['with an argument that cannot be sent', /^AIOPIPE_TASK_FAILED: .*args\[0\]: a function cannot be sent/],
    ['in a closed pool', /^AIOPIPE_TASK_FAILED: .*the pool of fails is closed/],
    ['too late', /^AIOPIPE_TASK_FAILED: .*was not started within 0 ms/],
  ])('%s', async (way, told) => {
    const warnings = await warningsOf(way);
    expect(warnings.length).toBeGreaterThan(0);
    // Tasks that fail in one turn are reported together.
    expect(warnings.length).toBeLessThanOrEqual(way === 'many alike' ? 100 : 1);
    for (const warning of warnings) expect(warning).toMatch(told);
  });
});

describe('a failed task whose promise was looked at makes no warning:', () => {
  test.each([
    'followed by then() alone',
    'abandoned by its caller',
    'awaited',
    'caught',
    'in Promise.all()',
    'in Promise.allSettled()',
    'in Promise.race()',
    'by finally()',
    'by Promise.resolve()',
    'as what an async function returns',
    'in a loop over a map',
  ])('%s', async (way) => {
    expect(await warningsOf(way)).toEqual([]);
  });
});

test('the promise of a task looks like any other', async () => {
  await using pool = new Pool(square, { size: 1 });
  const promise = pool.run(3);
  expect(promise).toBeInstanceOf(Promise);
  expect(inspect(promise)).toBe('Promise { <pending> }');
  await promise;
  expect(inspect(promise)).toBe('Promise { 9 }');
  expect(promise.then(String).constructor).toBe(Promise);
});

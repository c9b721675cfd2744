import { describe, expect, test } from 'vitest';
import { runFixture } from '@aiopipe/testing';

async function warningsOf(way: string): Promise<string[]> {
  const { code, stdout } = await runFixture('fails-unheard', { args: [way] });
  expect(code).toBe(0);
  return JSON.parse(stdout) as string[];
}

describe('a failure that nothing else reports has one warning:', () => {
  test.each([
    [
      'joined',
      /^AIOPIPE_CHILD_FAILED: .*process fails \(pid \d+\) failed: RangeError: it went wrong.* \(nothing has used its `result`: await it, or catch its error\).*fails-unheard/s,
    ],
    ['forgotten', /^AIOPIPE_CHILD_FAILED: .*RangeError: it went wrong/],
    ['missing', /^AIOPIPE_CHILD_FAILED: .*process run \(pid \d+\) could not call its function: .*no-such-module/],
    [
      'supervisor gives up',
      /^AIOPIPE_SUPERVISOR_FAILED: .*gave up: it ended again.*`finished`: await it, or listen to 'gave-up'\).*RangeError: it went wrong/s,
    ],
    ['supervisor that does not start', /^AIOPIPE_SUPERVISOR_FAILED: .*could not start it: /],
    ['supervisor below another one gives up', /^AIOPIPE_CHILD_FAILED: .*gave up: it ended again/],
    [
      'temporary child',
      /^AIOPIPE_CHILD_FAILED: .*process it \(pid \d+\) failed: RangeError.*listen to it, or iterate over events\(\)\)/,
    ],
    [
      'call of a supervisor',
      /^AIOPIPE_SUPERVISOR_FAILED: .*no child "nobody".* the promise: await the call, or catch its error\)/,
    ],
    ['prefork', /^AIOPIPE_PREFORK_FAILED: .*no-such-module/],
  ])('%s', async (way, told) => {
    expect(await warningsOf(way)).toEqual([expect.stringMatching(told)]);
  });
});

test('twelve failures of children that one line starts have two warnings: of the first, and of ten', async () => {
  expect(await warningsOf('twelve times at one line')).toEqual([
    expect.stringMatching(/^AIOPIPE_CHILD_FAILED: .*process fails \(pid \d+\) failed: RangeError: it went wrong/),
    expect.stringMatching(
      /^AIOPIPE_CHILD_FAILED: 10 child processes started at .*fails-unheard.*:\d+:\d+ failed, the first with: .*RangeError: it went wrong/,
    ),
  ]);
});

describe('a failure that was reported has no warning:', () => {
  test.each([
    'missing, joined',
    'looked at',
    'ready awaited',
    'killed',
    'supervisor gives up, finished awaited',
    'supervisor gives up, listened to',
    'supervisor that does not start, awaited',
    'prefork, ready awaited',
  ])('%s', async (way) => {
    expect(await warningsOf(way)).toEqual([]);
  });
});

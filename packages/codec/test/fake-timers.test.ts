import { runFixture } from '@aiopipe/testing';
import { expect, test } from 'vitest';

test.each(['node:test', 'everything'])('messages flow while the timers are replaced (%s)', async (how) => {
  const { stdout, stderr, signal } = await runFixture('flows-under-fake-timers', {
    args: [how],
    execArgv: ['--no-warnings'],
  });
  expect({ stderr, signal }).toEqual({ stderr: '', signal: null });
  expect(JSON.parse(stdout)).toEqual({ get: 5000, loop: 5000, merge: 15000, timeout: 1, after: 1 });
});

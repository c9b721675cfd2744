import { frozenIntrinsics, leakCheck, runFixture } from '@aiopipe/testing';
import { afterAll, expect, test } from 'vitest';

afterAll(leakCheck());

test.each(frozenIntrinsics)('everything works with intrinsics that are frozen $how', async ({ execArgv }) => {
  const { code, stdout, stderr } = await runFixture('uses-process', { execArgv });
  expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: 'all works\n' });
});

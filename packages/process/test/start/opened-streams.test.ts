import { leakCheck, runFixture } from '@aiopipe/testing';
import { afterAll, expect, test } from 'vitest';

afterAll(leakCheck());

test('opened streams in args move to the child, with what was read ahead', async () => {
  const result = await runFixture('uses-opened-streams');
  expect(result).toEqual({ code: 0, signal: null, stderr: '', stdout: 'read ahead\nLOUD\nmoved' });
});

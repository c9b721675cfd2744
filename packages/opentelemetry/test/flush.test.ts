import { runFixture } from '@aiopipe/testing';
import { expect, test } from 'vitest';

test('a child whose exporters cannot reach a collector gives its result, and exits all the same', async () => {
  const { stdout, stderr } = await runFixture('never-flushes');
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual(['done', { exitCode: 0, signalCode: null }]);
});

import { startProcess } from '@aiopipe/process';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, expect, test } from 'vitest';
import { returns, throws } from '../fixtures/works-at-its-end.js';

const checkLeaks = leakCheck();
afterAll(checkLeaks);

test('a child exits when the subscribers of its end have done their last work', async () => {
  const child = startProcess(returns, { name: 'worker', stdout: 'pipe' });
  await using stdout = child.stdout.open();
  expect(await child.result).toBe(42);
  expect(String(await stdout.read())).toBe('the end of worker\n');
  expect(await child.join()).toEqual({ exitCode: 0, signalCode: null });
});

test('also if its function throws', async () => {
  const child = startProcess(throws, { stdout: 'pipe' });
  await using stdout = child.stdout.open();
  await expect(child.result).rejects.toMatchObject({ code: 'ERR_AIOPIPE_CHILD' });
  expect(String(await stdout.read())).toBe('the end of throws\n');
  expect(await child.join()).toEqual({ exitCode: 1, signalCode: null });
});

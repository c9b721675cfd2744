// Errors that are made in a callback show where the program made the call that they are about, and name what it was about.
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { Prefork, startProcess } from '@aiopipe/process';
import { fixture, leakCheck } from '@aiopipe/testing';
import { exits, waits } from '../fixtures/ends-somehow.js';
import { throwIt } from '../fixtures/throws.js';
import { errorOf } from '../helpers.js';

afterAll(leakCheck());

/** The line of this file that a stack names first. */
const lineIn = (stack: string | undefined) => /stacks\.test\.ts:(\d+)/.exec(stack ?? '')?.[1];
/** The line that calls it. */
const here = () => lineIn(new Error().stack?.replace(/.*\n.*\n/, ''));
const moduleOf = (name: string) => pathToFileURL(fixture(name));

describe('the errors of a child show the call of startProcess() and name the child:', () => {
  const starts = {
    throw: () => [startProcess(throwIt, { args: ['an error'] }), here()] as const,
    exit: () => [startProcess(exits, { args: [3] }), here()] as const,
    kill: () => [startProcess(waits), here()] as const,
    'no module': () => [startProcess(moduleOf('not-there'), { export: 'x' }), here()] as const,
    'no directory': () => [startProcess(waits, { cwd: '/not/there' }), here()] as const,
  };

  test.each(Object.keys(starts) as (keyof typeof starts)[])('%s', async (how) => {
    const [child, line] = starts[how]();
    if (how === 'kill') child.kill('SIGKILL');
    const settled = await Promise.allSettled([child.result, child.started, child.join(), child.ping()]);
    const errors = settled.flatMap(({ status, ...rest }) => (status === 'rejected' ? [rest as { reason: Error }] : []));
    expect(errors.length).toBeGreaterThan(0);
    for (const { reason } of errors) {
      expect(lineIn(reason.stack)).toBe(line);
      expect(reason.message).toContain(`process ${child.name}`);
      expect(reason.stack?.split('\n')[0]).toBe(`ChildError: ${reason.message}`);
    }
  });
});

describe('the errors of a wait show the call that waits and name the child:', () => {
  test.each(['join', 'ping'] as const)('an abort of %s()', async (name) => {
    const child = startProcess(waits);
    await child.started;
    process.kill(child.pid as number, 'SIGSTOP');
    for (const aborted of [true, false]) {
      const controller = new AbortController();
      if (aborted) controller.abort();
      const [waiting, line] = [child[name]({ signal: controller.signal }), here()];
      controller.abort();
      const error = await errorOf(waiting);
      expect(error.name).toBe('AbortError');
      expect(error.message).toContain('process waits');
      expect(lineIn(error.stack)).toBe(line);
    }
    child.kill('SIGKILL');
    await child.join();
  });

  test('a timeout of ping(), and a ping() after the end', async () => {
    const child = startProcess(waits);
    await child.started;
    process.kill(child.pid as number, 'SIGSTOP');
    const [waiting, line] = [child.ping({ timeout: 1 }), here()];
    const error = await errorOf(waiting);
    expect(error).toMatchObject({ name: 'TimeoutError', message: 'process waits gave no answer within 1 ms' });
    expect(lineIn(error.stack)).toBe(line);
    child.kill('SIGKILL');
    await child.join();

    const returned = startProcess(moduleOf('echoes'), { export: 'join', args: ['a'] });
    await returned.join();
    const [late, lateLine] = [returned.ping(), here()];
    const ended = await errorOf(late);
    expect(ended).toMatchObject({ name: 'ClosedError', message: 'process join has ended' });
    expect(lineIn(ended.stack)).toBe(lateLine);
  });
});

describe('the errors of a prefork show', () => {
  test('where it was made, if its children cannot get ready', async () => {
    const [prefork, line] = [new Prefork({ preload: [moduleOf('fails-to-load')] }), here()];
    const error = await errorOf(prefork.ready());
    expect(error.code).toBe('ERR_AIOPIPE_START');
    expect(lineIn(error.stack)).toBe(line);
    await prefork.close();
  });

  test('the call of ready(), if that is aborted or its time is over', async () => {
    await using prefork = new Prefork({ size: 2 });
    const [waiting, line] = [prefork.ready({ timeout: 0 }), here()];
    const error = await errorOf(waiting);
    expect(error.message).toMatch(/^prefork: \d of 2 children were ready within 0 ms$/);
    expect(lineIn(error.stack)).toBe(line);
    const [aborted, nextLine] = [prefork.ready({ signal: AbortSignal.abort() }), here()];
    const abort = await errorOf(aborted);
    expect(abort.message).toBe('prefork: ready(): the operation was aborted');
    expect(lineIn(abort.stack)).toBe(nextLine);
  });
});

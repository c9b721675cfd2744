import { afterAll, describe, expect, test } from 'vitest';
import { startProcess } from '@aiopipe/process';
import { leakCheck } from '@aiopipe/testing';
import * as echoes from '../fixtures/echoes.js';
import { waits } from '../fixtures/ends-somehow.js';
import { errorOf } from '../helpers.js';

afterAll(leakCheck());

describe('join', () => {
  test('resolves to undefined at its timeout, and the child goes on', async () => {
    const child = startProcess(waits);
    expect(await child.join({ timeout: 20 })).toBeUndefined();
    expect(await child.join({ timeout: 0 })).toBeUndefined();
    expect(child.isAlive()).toBe(true);
    child.terminate();
    expect(await child.join({ timeout: 20_000 })).toEqual({ exitCode: null, signalCode: 'SIGTERM' });
  });

  test('rejects at an abort, with its reason', async () => {
    const child = startProcess(waits);
    const abort = new AbortController();
    const joined = errorOf(child.join({ signal: abort.signal }));
    abort.abort('enough');
    expect(await joined).toMatchObject({ code: 'ABORT_ERR', cause: 'enough' });
    expect(await errorOf(child.join({ signal: abort.signal }))).toMatchObject({ code: 'ABORT_ERR' });
    child.kill();
    await child.join();
  });

  test('may be called by many, and again after the end', async () => {
    const child = startProcess(echoes.echo, { args: [] });
    const exit = { exitCode: 0, signalCode: null };
    expect(await Promise.all([child.join(), child.join(), child.join()])).toEqual([exit, exit, exit]);
    expect(await child.join({ timeout: 0 })).toEqual(exit);
  });

  test('rejects if the timeout is not a number of milliseconds', async () => {
    const child = startProcess(waits);
    for (const timeout of [-1, NaN, '5' as unknown as number]) {
      expect(await errorOf(child.join({ timeout }))).toBeInstanceOf(TypeError);
    }
    child.kill();
    await child.join();
  });
});

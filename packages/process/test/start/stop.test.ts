import { AbortError, ClosedError } from '@aiopipe/core';
import { startProcess, type ProcessHandle } from '@aiopipe/process';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { exits, handlesSigterm, ignoresSigterm, waits } from '../fixtures/ends-somehow.js';
import { errorOf, thrownBy } from '../helpers.js';

afterAll(leakCheck());

/** A child that has said that it is there. */
async function there(target: typeof waits): Promise<ProcessHandle> {
  const child = startProcess(target, { stdout: 'pipe' });
  await child.stdout?.open().readLine();
  return child;
}

describe('stop()', () => {
  test('sends SIGTERM, which the child may handle, and resolves as join() does', async () => {
    const child = await there(handlesSigterm as unknown as typeof waits);
    const result = child.result;
    expect(await child.stop()).toEqual({ exitCode: 0, signalCode: null });
    expect(await result).toBe('SIGTERM');
    child.close();
  });

  test('sends SIGKILL after the grace period', async () => {
    const child = await there(ignoresSigterm);
    expect(await child.stop({ grace: 20 })).toEqual({ exitCode: null, signalCode: 'SIGKILL' });
    child.close();
  });

  test('resolves at once if the child has ended', async () => {
    const child = startProcess(exits, { args: [3] });
    await child.join();
    expect(await child.stop()).toEqual({ exitCode: 3, signalCode: null });
    child.close();
    expect(await errorOf(child.stop())).toBeInstanceOf(ClosedError);
  });

  test('is one SIGTERM, however often it is called; a shorter grace period counts', async () => {
    const child = await there(ignoresSigterm);
    const patient = child.stop({ grace: Infinity });
    expect(await child.stop({ grace: 0 })).toEqual({ exitCode: null, signalCode: 'SIGKILL' });
    expect(await patient).toEqual({ exitCode: null, signalCode: 'SIGKILL' });
    child.close();
  });

  test('goes on if its signal is aborted, which ends the wait alone', async () => {
    const child = await there(ignoresSigterm);
    const abort = new AbortController();
    const stopped = child.stop({ grace: 50, signal: abort.signal });
    abort.abort('no time');
    const error = await errorOf(stopped);
    expect(error).toBeInstanceOf(AbortError);
    expect(error.cause).toBe('no time');
    expect(await child.join()).toEqual({ exitCode: null, signalCode: 'SIGKILL' });
    child.close();
  });

  test('sends nothing if its options are wrong, or its signal was aborted before', async () => {
    const child = startProcess(waits);
    expect((await errorOf(child.stop({ grace: -1 }))).message).toBe('grace: expected milliseconds, 0 or more, not -1');
    expect((await errorOf(child.stop({ gace: 1 } as object))).message).toBe(
      'gace: unknown option; did you mean grace?',
    );
    expect(await errorOf(child.stop({ signal: AbortSignal.abort() }))).toBeInstanceOf(AbortError);
    expect(await child.join({ timeout: 50 })).toBeUndefined();
    expect(await child.stop()).toEqual({ exitCode: null, signalCode: 'SIGTERM' });
  });

  test('of a child that could not be started rejects as join() does', async () => {
    const child = startProcess(waits, { cwd: '/nowhere' });
    expect((await errorOf(child.stop())).code).toBe('ERR_AIOPIPE_START');
  });
});

test('kill() sends SIGTERM by default, as in Node, and takes numbers', async () => {
  const child = startProcess(waits);
  expect(child.kill(0)).toBe(true);
  expect(child.kill()).toBe(true);
  expect(await child.join()).toEqual({ exitCode: null, signalCode: 'SIGTERM' });
  expect(child.kill(0)).toBe(false);
  for (const wrong of [1.5, 999, -1, 'SIGNOTHING', 'TERM', null]) {
    expect(thrownBy(() => child.kill(wrong as never))).toBeInstanceOf(TypeError);
  }
});

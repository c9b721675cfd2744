import { inspect } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { BusyError, ClosedError } from '@aiopipe/core';
import { ChildError, startProcess } from '@aiopipe/process';
import { leakCheck, until } from '@aiopipe/testing';
import { exits, handlesSigterm, ignoresSigterm, killsItself, waits } from '../fixtures/ends-somehow.js';
import { errorOf, thrownBy } from '../helpers.js';

afterAll(leakCheck());

describe('a handle', () => {
  test('knows how its child ended without a join', async () => {
    const child = startProcess(exits, { args: [5] });
    expect(child).toMatchObject({ exitCode: null, signalCode: null, resourceUsage: undefined });
    expect(child.pid).toBeGreaterThan(0);
    expect(child.isAlive()).toBe(true);
    await until('it has ended', () => child.exitCode !== null);
    expect(child).toMatchObject({ exitCode: 5, signalCode: null });
    expect(child.isAlive()).toBe(false);
    expect(child.resourceUsage?.maxRSS).toBeGreaterThan(1000);
    const other = startProcess(killsItself, { args: ['SIGKILL'] });
    await until('it has ended', () => other.signalCode !== null);
    expect(other).toMatchObject({ exitCode: null, signalCode: 'SIGKILL' });
    await Promise.all([child.join(), other.join()]);
  });

  test('terminates by SIGTERM, which the child may handle', async () => {
    const child = startProcess(handlesSigterm, { stdout: 'pipe' });
    await child.stdout?.open().readLine();
    expect(child.terminate()).toBe(true);
    expect(await child.result).toBe('SIGTERM');
    expect(await child.join()).toEqual({ exitCode: 0, signalCode: null });
    child.close();
  });

  test('kills a child that ignores SIGTERM', async () => {
    const child = startProcess(ignoresSigterm, { stdout: 'pipe' });
    await child.stdout?.open().readLine();
    child.terminate();
    expect(await child.join({ timeout: 50 })).toBeUndefined();
    expect(child.kill('SIGKILL')).toBe(true);
    expect(await child.join()).toEqual({ exitCode: null, signalCode: 'SIGKILL' });
    child.close();
  });

  test('sends any signal that there is, and none once the child has ended', async () => {
    const child = startProcess(waits);
    expect(thrownBy(() => child.kill('SIGNOTHING' as NodeJS.Signals))).toBeInstanceOf(TypeError);
    expect(child.kill('SIGUSR2')).toBe(true);
    expect(await child.join()).toEqual({ exitCode: null, signalCode: 'SIGUSR2' });
    expect(child.kill()).toBe(false);
    expect(child.terminate()).toBe(false);
  });

  test('cannot be closed before the end; after that every call throws', async () => {
    const child = startProcess(waits, { stdout: 'pipe' });
    expect(thrownBy(() => child.close())).toBeInstanceOf(BusyError);
    child.kill();
    await child.join();
    const { result } = child;
    child.close();
    const calls: Record<string, () => unknown> = {
      pid: () => child.pid,
      name: () => child.name,
      isAlive: () => child.isAlive(),
      exitCode: () => child.exitCode,
      signalCode: () => child.signalCode,
      resourceUsage: () => child.resourceUsage,
      stdin: () => child.stdin,
      stdout: () => child.stdout,
      stderr: () => child.stderr,
      result: () => child.result,
      terminate: () => child.terminate(),
      kill: () => child.kill(),
      close: () => child.close(),
      ref: () => child.ref(),
      unref: () => child.unref(),
    };
    for (const [name, call] of Object.entries(calls)) {
      const error = thrownBy(call);
      expect(error, name).toBeInstanceOf(ClosedError);
      expect(error.message).toContain('waits');
    }
    expect(await errorOf(child.join())).toBeInstanceOf(ClosedError);
    // Promises that were requested before the close still settle.
    expect(await errorOf(result)).toBeInstanceOf(ChildError);
  });
});

test('inspect() shows the name, the pid and how it is', async () => {
  const child = startProcess(waits, { name: 'worker' });
  const { pid } = child;
  expect(inspect(child)).toBe(`ProcessHandle worker (pid ${String(pid)}, running)`);
  child.kill();
  await child.join();
  expect(inspect({ child })).toContain(`ProcessHandle worker (pid ${String(pid)}, ended, SIGTERM)`);
  child.close();
  expect(inspect(child)).toContain('ProcessHandle worker');
  const other = startProcess(exits, { args: [3] });
  await other.join();
  expect(inspect(other)).toContain('ended, exit code 3)');
  expect(inspect(startProcess(waits, { cwd: '/nowhere' }))).toBe('ProcessHandle waits (not started)');
});

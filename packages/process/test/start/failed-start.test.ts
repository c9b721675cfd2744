import { execFile, spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { aiopipe, ClosedError } from '@aiopipe/core';
import { ChildError, startProcess, type ProcessHandle } from '@aiopipe/process';
import { fdsSince, fixture, leakCheck, openFds, runFixture, until } from '@aiopipe/testing';
import * as echoes from '../fixtures/echoes.js';
import { waits } from '../fixtures/ends-somehow.js';
import { errorOf, thrownBy } from '../helpers.js';

afterAll(leakCheck());

const moduleOf = (name: string) => pathToFileURL(fixture(name));

describe('a process that cannot be started', () => {
  test.each<[string, () => ProcessHandle, RegExp]>([
    ['because its module is not there', () => startProcess(moduleOf('not-there'), { export: 'x' }), /not-there/],
    ['because its module throws', () => startProcess(moduleOf('fails-to-load'), { export: 'x' }), /not today/],
    [
      'because the export is not there',
      () => startProcess(moduleOf('echoes'), { export: 'missing' }),
      /missing.*exports.*echo/,
    ],
    [
      'because the export is no function',
      () => startProcess(moduleOf('tells-about-itself'), { export: 'wasChildAtEvaluation' }),
      /wasChildAtEvaluation/,
    ],
    ['because its cwd is not there', () => startProcess(waits, { cwd: '/not/there' }), /\/not\/there/],
  ])('%s rejects result and join, and leaves no fd', async (_name, start, message) => {
    const [rx, tx] = aiopipe();
    const before = openFds();
    const child = start();
    const failure = await errorOf(child.result);
    expect(failure).toBeInstanceOf(ChildError);
    expect(failure.code).toBe('ERR_AIOPIPE_START');
    expect(failure.message).toMatch(message);
    expect(failure.cause).toBeInstanceOf(Error);
    expect(await errorOf(child.join())).toBe(failure);
    expect(child.isAlive()).toBe(false);
    child.close();
    await until('all are closed', () => fdsSince(before).length === 0);
    rx.close();
    tx.close();
  });

  test('has the error of its module as the cause', async () => {
    const { cause } = await errorOf(startProcess(moduleOf('fails-to-load'), { export: 'x' }).result);
    expect(cause).toBeInstanceOf(RangeError);
    expect(cause).toMatchObject({ message: 'not today', code: 'E_NOT_TODAY' });
  });

  test('closes the handles that it would have got', async () => {
    for (const child of [
      (tx: unknown) => startProcess(echoes.echo, { args: [tx], cwd: '/not/there', stdin: 'pipe', stdout: 'pipe' }),
      (tx: unknown) => startProcess(moduleOf('not-there'), { export: 'x', args: [tx] }),
    ]) {
      const [rx, tx] = aiopipe();
      const started = child(tx);
      expect(tx.state).toBe('moved');
      await using reader = rx.open();
      expect(await reader.read()).toHaveLength(0);
      expect(await errorOf(started.join())).toMatchObject({ code: 'ERR_AIOPIPE_START' });
      started.close();
    }
  });

  test('can be waited for before it is known', async () => {
    const child = startProcess(moduleOf('not-there'), { export: 'x' });
    const [one, other] = await Promise.all([errorOf(child.join()), errorOf(child.join({ timeout: 20_000 }))]);
    expect(one.code).toBe('ERR_AIOPIPE_START');
    expect(other).toBe(one);
  });

  test('says so if Node refuses its options', async () => {
    const child = startProcess(waits, { execArgv: ['--no-such-option'], stderr: 'pipe' });
    const error = await errorOf(child.result);
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_START', exitCode: 9 });
    expect(error.message).toMatch(/before its function was called.*exit code 9.*execArgv/);
    expect((await child.stderr?.open().read())?.toString()).toContain('--no-such-option');
    await child.join();
    child.close();
  });

  test('was not asked to do anything if its module ends the process', async () => {
    const child = startProcess(moduleOf('exits-while-evaluated'), { export: 'x' });
    expect(await errorOf(child.result)).toMatchObject({ code: 'ERR_AIOPIPE_START', exitCode: 4 });
    expect(await child.join()).toEqual({ exitCode: 4, signalCode: null });
  });

  test('has no pid, takes no signal, and can be closed', async () => {
    const child = startProcess(waits, { cwd: '/not/there' });
    expect(child.pid).toBeUndefined();
    expect(child).toMatchObject({ exitCode: null, signalCode: null });
    expect(child.terminate()).toBe(false);
    await errorOf(child.join());
    child.close();
    expect(thrownBy(() => child.pid)).toBeInstanceOf(ClosedError);
  });

  test('for want of descriptors says so, and leaves none open', async () => {
    const { stdout } = await promisify(execFile)('sh', [
      '-c',
      'ulimit -n 60; exec "$0" "$1"',
      process.execPath,
      fixture('starts-at-the-fd-limit'),
    ]);
    const attempts = JSON.parse(stdout) as { code: string; left: number; kept: boolean }[];
    expect(attempts.length).toBeGreaterThan(5);
    expect(attempts.pop()).toEqual({ code: 'started', left: 0, kept: true });
    for (const attempt of attempts) expect(attempt).toEqual({ code: 'EMFILE', left: 0, kept: true });
  });

  // The limit does not hold for root, and another user must be able to read the fixture.
  const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  const program = fixture('starts-at-the-process-limit');
  const canTry =
    spawnSync('prlimit', ['--version']).status === 0 &&
    spawnSync(process.execPath, ['-e', `fs.accessSync(${JSON.stringify(fixture('uses-handles'))})`], user).status === 0;

  test.runIf(canTry)('because there may be no more processes says so, and leaves nothing', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [program], user);
    expect(JSON.parse(stdout)).toEqual({ code: 'ERR_AIOPIPE_START', cause: 'EAGAIN', left: 0, state: 'moved' });
  });
});

test('a working directory that was removed keeps no child from starting, and a program by a relative path gets a clear error', async () => {
  const { stdout, stderr } = await runFixture('stands-nowhere');
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({
    child: 1,
    spare: 1,
    program: 0,
    missing: 'SystemError: cannot start "./true": ENOENT: no such file or directory, execve',
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { aiopipe } from '@aiopipe/core';
import { Pool, Prefork, startProcess, Supervisor, type ProcessOptions } from '@aiopipe/process';
import { childPids, fixture, isRunning, leakCheck, openFds, runFixture, until } from '@aiopipe/testing';
import { myPid } from '../fixtures/counts-evaluations.js';
import { echo } from '../fixtures/echoes.js';
import { exits, killsItself, leavesTimers, waits } from '../fixtures/ends-somehow.js';
import { descend } from '../fixtures/goes-deeper.js';
import { readyAtOnce } from '../fixtures/serves.js';
import { describeFds, describeSelf, describeSignals } from '../fixtures/tells-about-itself.js';
import { writeOne } from '../fixtures/uses-handles.js';
import { childrenSince, errorOf, thrownBy } from '../helpers.js';

const directory = mkdtempSync(join(tmpdir(), 'aiopipe-prefork-'));
const checkLeaks = leakCheck();
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await checkLeaks();
});

/** One child of a prefork, which is there. */
async function withChild<T>(use: (prefork: Prefork) => Promise<T>): Promise<T> {
  await using prefork = new Prefork();
  await prefork.ready();
  const result = await use(prefork);
  expect(prefork.stats).toMatchObject({ warm: 1, cold: 0, lost: 0 });
  return result;
}

describe('a child that was there before is as one that was not', () => {
  test('in what it returns, how it ends, and what it used', async () => {
    await withChild(async (prefork) => {
      const child = startProcess(echo, { args: [1, { deep: [new Map([[1, 2n]])] }], prefork });
      expect(await child.result).toEqual([1, { deep: [new Map([[1, 2n]])] }]);
      expect(await child.join()).toEqual({ exitCode: 0, signalCode: null });
      expect(child.resourceUsage?.userCPUTime).toBeGreaterThan(0);
    });
  });

  test('in what it is: its name, its group, its surroundings, its signals', async () => {
    const tell = (what: typeof describeSelf) => async (prefork: Prefork) => {
      const child = startProcess(what, { name: 'somebody', prefork });
      expect(child.name).toBe('somebody');
      const self = await child.result;
      expect(self).toMatchObject({ pid: child.pid, ppid: process.pid, isChild: true });
      return { ...self, pid: 0 };
    };
    expect(await withChild(tell(describeSelf))).toEqual({
      ...(await startProcess(describeSelf, { name: 'somebody' }).result),
      pid: 0,
    });
    expect(await withChild(async (prefork) => startProcess(describeSignals, { prefork }).result)).toEqual(
      await startProcess(describeSignals).result,
    );
  });

  test('in the descriptors that it has', async () => {
    const kinds = (fds: [number, string][]) => fds.map(([, what]) => what.replace(/\d+/g, '')).sort();
    const cold = await startProcess(describeFds, { args: [] }).result;
    const warm = await withChild(async (prefork) => startProcess(describeFds, { args: [], prefork }).result);
    expect(kinds(warm)).toEqual(kinds(cold));
    const ours = openFds();
    expect(new Map(warm).get(2)).toBe(ours.get(2));
  });

  test('in the handles that it takes', async () => {
    await withChild(async (prefork) => {
      const [rx, tx] = aiopipe();
      const child = startProcess(writeOne, { args: [tx, 'hello'], prefork });
      expect(tx.state).toBe('moved');
      await using reader = rx.open();
      expect((await reader.read()).toString()).toBe('hello');
      await child.join();
    });
  });

  test.each([
    ['by its function’s end, even with timers open', leavesTimers, [], { exitCode: 0, signalCode: null }],
    ['by process.exit()', exits, [3], { exitCode: 3, signalCode: null }],
    ['by a signal', killsItself, ['SIGTERM'], { exitCode: null, signalCode: 'SIGTERM' }],
  ] as const)('in its end %s', async (_name, what, args, exit) => {
    await withChild(async (prefork) => {
      const child = startProcess(what as never, { args, prefork } as never);
      expect(await child.join()).toEqual(exit);
    });
  });

  test('in that it says when it is ready, answers pings, and can be killed', async () => {
    await withChild(async (prefork) => {
      const child = startProcess(readyAtOnce, { prefork });
      await child.ready;
      await child.join();
    });
    await withChild(async (prefork) => {
      const child = startProcess(waits, { prefork });
      expect(await child.ping()).toBeGreaterThan(0);
      child.kill();
      expect(await child.join()).toEqual({ exitCode: null, signalCode: 'SIGTERM' });
    });
  });

  test('in that it may have children', async () => {
    await withChild(async (prefork) => {
      const [rx, tx] = aiopipe();
      const pids = await startProcess(descend, { args: [2, tx], prefork }).result;
      expect(pids).toHaveLength(3);
      rx.close();
    });
  });

  test('in that the error names a module that cannot be loaded', async () => {
    await withChild(async (prefork) => {
      const module = pathToFileURL(fixture('fails-to-load'));
      const child = startProcess(module, { export: 'work', prefork });
      expect((await errorOf(child.result)).code).toBe('ERR_AIOPIPE_START');
      await child.join().catch(() => undefined);
    });
  });
});

describe('a child is started as always', () => {
  const different: [string, ProcessOptions][] = [
    ['another environment', { env: { ...process.env, ANOTHER: 'one' } }],
    ['another directory', { cwd: tmpdir() }],
    ['other options of Node', { execArgv: ['--no-warnings'] }],
    ['another stdio', { stdout: 'ignore' }],
    ['a pipe', { stdout: 'pipe' }],
    ['a life of its own', { detached: true }],
  ];
  test.each(different)('if its options have %s', async (_name, options) => {
    await using prefork = new Prefork();
    await prefork.ready();
    const child = startProcess(describeSelf, { ...options, prefork });
    await child.join();
    expect(prefork.stats).toMatchObject({ warm: 0, cold: 1, ready: 1 });
    child.close();
  });

  test('if no child waits, and all starts of one turn are served', async () => {
    await using prefork = new Prefork({ size: 2 });
    await prefork.ready();
    const children = Array.from({ length: 6 }, (_, i) => startProcess(echo, { args: [i], prefork }));
    expect(await Promise.all(children.map((child) => child.result))).toEqual([[0], [1], [2], [3], [4], [5]]);
    await Promise.all(children.map((child) => child.join()));
    expect(prefork.stats).toMatchObject({ warm: 2, cold: 4 });
  });

  test('if process.env has changed since, and those that wait are made anew', async () => {
    await using prefork = new Prefork();
    await prefork.ready();
    process.env['AIOPIPE_TEST'] = 'changed';
    try {
      const self = await startProcess(describeSelf, { prefork }).result;
      expect(self.env['AIOPIPE_TEST']).toBe('changed');
      expect(prefork.stats).toMatchObject({ warm: 0, cold: 1 });
      await prefork.ready();
      expect((await startProcess(describeSelf, { prefork }).result).env['AIOPIPE_TEST']).toBe('changed');
      expect(prefork.stats).toMatchObject({ warm: 1, cold: 1 });
    } finally {
      delete process.env['AIOPIPE_TEST'];
    }
  });
});

test('surroundings of its own are used for starts with the same', async () => {
  const surroundings = {
    env: { PATH: process.env['PATH'], ONE: '1', NONE: undefined },
    cwd: tmpdir(),
    execArgv: ['--no-warnings'],
    stdout: 'ignore',
  } as const;
  await using prefork = new Prefork(surroundings);
  await prefork.ready();
  const child = startProcess(describeSelf, { ...surroundings, env: { ONE: '1', PATH: process.env['PATH'] }, prefork });
  expect(await child.result).toMatchObject({ env: { ONE: '1' }, execArgv: ['--no-warnings'] });
  expect(prefork.stats).toMatchObject({ warm: 1, cold: 0 });
  await child.join();
});

describe('preload', () => {
  test('evaluates modules before a child is taken, once', async () => {
    const file = join(directory, 'evaluations');
    const env = { ...process.env, EVALUATIONS: file };
    await using prefork = new Prefork({ env, preload: [myPid, new URL(myPid.url)] });
    await prefork.ready();
    expect(readFileSync(file, 'utf8')).toMatch(/^\d+\n$/);
    const pid = await startProcess(myPid, { env, prefork }).result;
    expect(readFileSync(file, 'utf8')).toMatch(new RegExp(`^${String(pid)}\n`));
    expect(prefork.stats.warm).toBe(1);
  });

  test('of a module that throws rejects ready(), and starts no storm of children', async () => {
    await using prefork = new Prefork({ preload: [pathToFileURL(fixture('fails-to-load'))] });
    const error = await errorOf(prefork.ready());
    expect(error.code).toBe('ERR_AIOPIPE_START');
    expect(error.message).toContain('not today');
    expect(prefork.stats).toMatchObject({ ready: 0, starting: 0, lost: 2 });
    const child = startProcess(echo, { args: ['all the same'], prefork });
    expect(await child.result).toEqual(['all the same']);
    expect(prefork.stats.cold).toBe(1);
  });

  test('with options that Node refuses rejects ready()', async () => {
    await using prefork = new Prefork({ execArgv: ['--no-such-option'], stderr: 'ignore' });
    expect((await errorOf(prefork.ready())).message).toMatch(/exit code 9.*execArgv/);
  });

  test('of a module that starts a process while it is evaluated is refused', async () => {
    const env = { ...process.env, START_WHILE_EVALUATED: 'process' };
    await using prefork = new Prefork({ env, preload: [pathToFileURL(fixture('starts-while-evaluated'))] });
    expect((await errorOf(prefork.ready())).message).toContain('isChild()');
  });
});

describe('those that wait', () => {
  test('are replaced when they are taken, or die', async () => {
    const before = childPids();
    await using prefork = new Prefork({ size: 2 });
    await prefork.ready();
    const first = childrenSince(before);
    expect(first).toHaveLength(2);
    for (const pid of first) process.kill(pid, 'SIGKILL');
    await until('we have heard of it', () => prefork.stats.lost === 2);
    const child = startProcess(echo, { args: ['lives'], prefork });
    expect(await child.result).toEqual(['lives']);
    await child.join();
    await prefork.ready();
    expect(prefork.stats).toMatchObject({ warm: 0, cold: 1, ready: 2, lost: 2 });
    const second = childrenSince(before);
    expect(second).toHaveLength(2);
    expect(second.some((pid) => first.includes(pid))).toBe(false);
  });

  test('end with the prefork; children that were taken go on', async () => {
    const before = childPids();
    const prefork = new Prefork({ size: 2 });
    await prefork.ready();
    const child = startProcess(waits, { prefork });
    await child.started;
    await Promise.all([prefork.close(), prefork.close()]);
    expect(childrenSince(before)).toEqual([child.pid]);
    expect(thrownBy(() => startProcess(waits, { prefork })).code).toBe('ERR_AIOPIPE_CLOSED');
    expect((await errorOf(prefork.ready())).code).toBe('ERR_AIOPIPE_CLOSED');
    child.kill();
    await child.join();
  });

  test('end with it, too, while they boot, and calls that wait for them reject', async () => {
    const before = childPids();
    const prefork = new Prefork({ size: 2 });
    const ready = prefork.ready();
    await prefork.close();
    expect((await errorOf(ready)).code).toBe('ERR_AIOPIPE_CLOSED');
    expect(childrenSince(before)).toEqual([]);
  });

  test('do not keep this process', async () => {
    const { code, stdout } = await runFixture('has-preforked-children');
    expect(code).toBe(0);
    const { all, stats } = JSON.parse(stdout) as { all: number[]; stats: object };
    expect(stats).toEqual({ warm: 1, cold: 0, ready: 2, starting: 0, lost: 0 });
    expect(all).toHaveLength(3);
    await until('they are gone, and the one that was taken, too', () => !all.some(isRunning));
  });

  test('end when this process is killed', async () => {
    const parent = spawn(process.execPath, [fixture('has-preforked-children'), 'SIGKILL'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface(parent.stdout), 'line')) as [string];
    const { all } = JSON.parse(line) as { all: number[] };
    await until('they are gone, and the one that was taken, too', () => !all.some(isRunning));
  });

  test('end with the worker thread that made them', async () => {
    expect((await runFixture('preforks-in-a-worker')).stdout).toBe('{"count":2,"left":[]}');
  });

  test('can be waited for only so long', async () => {
    await using prefork = new Prefork();
    expect((await errorOf(prefork.ready({ timeout: 0 }))).code).toBe('ERR_AIOPIPE_TIMEOUT');
    expect((await errorOf(prefork.ready({ signal: AbortSignal.abort() }))).code).toBe('ABORT_ERR');
  });
});

test('an argument that cannot be sent throws, and the child that would have got it is replaced', async () => {
  const before = childPids();
  await using prefork = new Prefork();
  await prefork.ready();
  const [rx, tx] = aiopipe();
  const bad = { args: [tx, () => undefined], prefork };
  expect(thrownBy(() => startProcess(echo, bad)).code).toBe('ERR_AIOPIPE_ENCODE');
  expect(tx.state).toBe('owned');
  await prefork.ready();
  expect(childrenSince(before)).toHaveLength(1);
  rx.close();
  tx.close();
});

test('a supervisor and a pool take their children from it', async () => {
  await using prefork = new Prefork({ size: 2 });
  await prefork.ready();
  await using supervisor = new Supervisor([{ id: 'waits', target: waits, options: { prefork } }]);
  await supervisor.start();
  await using pool = new Pool(echo, { size: 1, options: { prefork } });
  expect(await pool.run('task')).toEqual(['task']);
  expect(prefork.stats).toMatchObject({ warm: 2, cold: 0 });
});

test('what is wrong with its options throws', () => {
  for (const options of [{ size: 0 }, { size: 1.5 }, { preload: echo }, { preload: ['./a.js'] }, { stdout: 'pipe' }]) {
    expect(thrownBy(() => new Prefork(options as never))).toBeInstanceOf(TypeError);
  }
  expect(thrownBy(() => startProcess(readyAtOnce, { prefork: {} as never }))).toBeInstanceOf(TypeError);
});

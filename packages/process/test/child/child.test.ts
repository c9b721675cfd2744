import { execFile } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { channel } from '@aiopipe/codec';
import { aioduplex, aiopipe } from '@aiopipe/core';
import { Pool, startProcess } from '@aiopipe/process';
import { childPids, fixture, leakCheck, openFds, runFixture, until } from '@aiopipe/testing';
import { listFiles } from '../fixtures/lists-its-files.js';
import { work } from '../fixtures/starts-while-evaluated.js';
import { describeFds, describeSelf, describeSignals, wasChildAtEvaluation } from '../fixtures/tells-about-itself.js';
import { childrenSince, errorOf, hasEnded, linesOf, scratchFiles } from '../helpers.js';

const { newFile, remove } = scratchFiles();
const checkLeaks = leakCheck();
afterAll(async () => {
  remove();
  await checkLeaks();
});

/** What Node loads of its own to run a program that does nothing. */
async function modulesOfEmptyProgram(): Promise<string[]> {
  const program = `require('fs').writeSync(1, process.moduleLoadList.join('\\n'))`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--eval', program]);
  return stdout.split('\n').map((entry) => entry.replace('NativeModule ', ''));
}

const isOurs = (what: string) => /^(pipe|socket):/.test(what);

describe('a child has', () => {
  test('its stdio, its control socket, the handles that it was given, and nothing else of ours', async () => {
    const [rx, tx] = aiopipe();
    const [one, other] = aioduplex();
    const [reader, writer] = channel();
    // Not given: these must not be there.
    const strays = [...aiopipe(), ...aioduplex()];
    const ours = openFds();
    const given = [tx, other].map(({ fd }) => ours.get(fd) as string);
    const child = startProcess(describeFds, { args: [tx, { other }, [reader]], stdout: 'ignore' });
    const fds = await child.result;

    const theirs = new Map(fds);
    expect(theirs.get(0)).toBe('/dev/null');
    expect(theirs.get(1)).toBe('/dev/null');
    const stderr = theirs.get(2) as string;
    expect(stderr).toBe(ours.get(2));
    const control = theirs.get(3);
    expect(control).toMatch(/^socket:/);

    // Bun opens standard error once more.
    const isHandle = ([fd, what]: readonly [number, string]) => fd > 3 && isOurs(what) && what !== stderr;
    const handles = new Set(fds.filter(isHandle).map(([, what]) => what));
    for (const what of given) expect(handles).toContain(what);
    const inherited = [...handles].filter((what) => [...ours.values()].includes(what));
    // The channel's end has a number that we can't ask for: there is one more than the two.
    expect(inherited).toHaveLength(3);
    // The rest is what Node has in every process: the pipes of its loop and signals, and the control socket twice.
    const sockets = [...handles].filter((what) => what.startsWith('socket:') && what !== control);
    expect(sockets).toHaveLength(2);
    await child.join();
    for (const end of [rx, one, writer, ...strays]) end.close();
  });

  test('loaded none of the modules of Node that take long', async () => {
    const child = startProcess(pathToFileURL(fixture('lists-its-modules')), { export: 'listModules' });
    const modules = (await child.result) as string[];
    expect(modules).toContain('fs');
    const dear = ['child_process', 'internal/mime', 'net', 'perf_hooks', 'stream', 'worker_threads'];
    // Node.js 22+ loads internal/mime in every process.
    const everywhere = await modulesOfEmptyProgram();
    expect(modules.filter((name) => dear.includes(name) && !everywhere.includes(name))).toEqual([]);
    await child.join();
  });

  test('loads no code that only parents need, as a process and as a worker, if its module imports /target', async () => {
    await using pool = new Pool(listFiles, { size: 1 });
    for (const files of [await startProcess(listFiles).result, await pool.run()]) {
      expect(files).toContain('child.js');
      expect(files).toContain('target.js');
      expect(files).not.toContain('index.js');
    }
  });

  test('default dispositions and an empty mask, for any dispositions of this process', async () => {
    const handler = () => undefined;
    const signals = ['SIGUSR2', 'SIGHUP', 'SIGTERM', 'SIGINT', 'SIGPIPE'] as const;
    for (const name of signals) process.on(name, handler);
    const { ignored, blocked, caught } = await startProcess(describeSignals).result;
    for (const name of signals) process.off(name, handler);
    const bit = (name: keyof typeof constants.signals) => 1n << BigInt(constants.signals[name] - 1);
    // Node itself ignores these.
    expect(ignored).toBe(bit('SIGPIPE') | bit('SIGXFSZ'));
    expect(blocked).toBe(0n);
    for (const name of ['SIGUSR2', 'SIGHUP'] as const) expect(caught & bit(name), name).toBe(0n);
  });

  test('the environment that it was given, and no other', async () => {
    const env = { ONE: '1', EMPTY: '', NONE: undefined, PATH: process.env['PATH'] };
    const self = await startProcess(describeSelf, { env }).result;
    expect(self.env).toEqual({ ONE: '1', EMPTY: '', PATH: process.env['PATH'] });
  });

  test('this process’s environment as it is at the start, if none was given', async () => {
    process.env['AIOPIPE_TEST'] = 'now';
    const child = startProcess(describeSelf);
    delete process.env['AIOPIPE_TEST'];
    expect((await child.result).env['AIOPIPE_TEST']).toBe('now');
  });

  test('the working directory that it was given', async () => {
    const cwd = realpathSync(tmpdir());
    expect((await startProcess(describeSelf, { cwd }).result).cwd).toBe(cwd);
    expect((await startProcess(describeSelf).result).cwd).toBe(process.cwd());
  });

  test('the options of Node that it was given', async () => {
    const execArgv = ['--max-old-space-size=123', '--no-warnings'];
    expect((await startProcess(describeSelf, { execArgv }).result).execArgv).toEqual(execArgv);
    expect((await startProcess(describeSelf, { execArgv: [] }).result).execArgv).toEqual([]);
  });

  test('this process for its parent, and knows that it is a child', async () => {
    const child = startProcess(describeSelf);
    const self = await child.result;
    expect(self).toMatchObject({ pid: child.pid, ppid: process.pid, isChild: true, wasChildAtEvaluation: true });
    expect(wasChildAtEvaluation).toBe(false);
  });
});

describe('a module that starts a process while it is evaluated', () => {
  const module = pathToFileURL(fixture('starts-while-evaluated'));

  test.each(['process', 'soon'])('cannot do so in a child (%s)', async (how) => {
    const before = childPids();
    const env = { ...process.env, START_WHILE_EVALUATED: how };
    const child = startProcess(module, { export: 'work', env });
    const error = await errorOf(child.result);
    expect(error.code).toBe(how === 'process' ? 'ERR_AIOPIPE_START' : 'ERR_AIOPIPE_CHILD');
    expect(error.message).toMatch(/starts-while-evaluated.*isChild\(\)/);
    await child.join().catch(() => undefined);
    expect(childrenSince(before)).toEqual([]);
  });

  test('comes to an end if it does so later, when its function runs', async () => {
    const log = newFile();
    await runFixture('starts-without-end', { env: { ...process.env, LOG: log } });
    expect(linesOf(`${log}.begun`).length).toBe(10);
    expect(linesOf(log)[0]).toMatch(/10 levels of children deep.*isChild\(\)/);
    await until('all have ended', () => linesOf(`${log}.begun`).every((pid) => hasEnded(Number(pid))));
  });

  test('does not go on without end out of threads either: they are threads of a child', async () => {
    const log = newFile();
    const start = pathToFileURL(fixture('starts-in-a-thread-of-a-child'));
    const child = startProcess(start, { export: 'startFromThread', env: { ...process.env, LOG: log } });
    expect(await child.result).toBe('ended');
    const lines = linesOf(log);
    expect(lines.filter((line) => line === 'child true')).toHaveLength(10);
    expect(lines.at(-1)).toMatch(/starts-in-a-thread-of-a-child.*10 levels of children deep.*isChild\(\)/);
    expect(lines).toHaveLength(11);
  });

  test('cannot do so with a pool either', async () => {
    const env = { ...process.env, START_WHILE_EVALUATED: 'pool' };
    const error = await errorOf(startProcess(module, { export: 'work', env }).result);
    expect(error.code).toBe('ERR_AIOPIPE_START');
    expect(error.message).toMatch(/starts-while-evaluated\.js starts a process.*isChild\(\)/);
  });

  test('cannot do so in a worker of a pool', async () => {
    for (const how of ['process', 'pool']) {
      const env = { ...process.env, START_WHILE_EVALUATED: how };
      await using pool = new Pool(work, { size: 1, intensity: 0, options: { env } });
      const error = await errorOf(pool.run());
      expect(String((error.cause as Error | undefined)?.message)).toContain('isChild()');
    }
  });

  test('is fine if the child need not', async () => {
    const child = startProcess(work, { env: { ...process.env, START_WHILE_EVALUATED: '' } });
    expect(await child.result).toBe('worked');
  });
});

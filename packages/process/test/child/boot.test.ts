import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { hasNamespaces, NAMESPACE } from '../helpers.js';
import { fixture, isRunning, leakCheck, until } from '@aiopipe/testing';

afterAll(leakCheck());

const hasStrace = spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0;

const LOOPS = 'data:text/javascript,for(;;);';

/** Starts that child in a program of its own, does something to it, and kills the program. */
async function orphan(options: object, before?: (pid: number) => void): Promise<number> {
  const parent = spawn(process.execPath, [fixture('starts-what-hangs-in-boot'), JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface(parent.stdout), 'line')) as [string];
  expect(isRunning(Number(line))).toBe(true);
  before?.(Number(line));
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  return Number(line);
}

describe.each([false, true])('a child ends with its parent (daemon: %s)', (daemon) => {
  test.each([
    ['waits for a debugger', ['--inspect-brk=0']],
    ['is in a preload that loops', ['--import', LOOPS]],
  ])('that %s in Node’s boot', async (_name, execArgv) => {
    const pid = await orphan({ daemon, execArgv });
    await until('it is gone', () => !isRunning(pid));
  });

  test('that was stopped', async () => {
    const pid = await orphan({ daemon }, (child) => process.kill(child, 'SIGSTOP'));
    await until('it is gone', () => !isRunning(pid));
  });

  // Without an init of its own session, the system lets a stopped child go on by itself.
  test.runIf(hasNamespaces())('that was stopped, if the guard is killed, too, in a container', async () => {
    const words = [process.execPath, fixture('is-the-init-of-a-container'), JSON.stringify({ daemon })];
    const { stdout } = await promisify(execFile)('unshare', [...NAMESPACE, ...words]);
    expect(stdout).toBe('1: 1 guard killed, the child has ended\n');
  });

  test.runIf(hasNamespaces() && hasStrace)('that was stopped before its exec, in a container', async () => {
    const words = [process.execPath, fixture('is-the-init-that-sees-a-stop-before-exec'), JSON.stringify({ daemon })];
    const { stdout } = await promisify(execFile)('unshare', [...NAMESPACE, ...words]);
    expect(stdout).toBe('1: the child has ended\n');
  });

  test('that was stopped in Node’s boot', async () => {
    const pid = await orphan({ daemon, execArgv: ['--import', LOOPS] }, (child) => process.kill(child, 'SIGSTOP'));
    await until('it is gone', () => !isRunning(pid));
  });
});

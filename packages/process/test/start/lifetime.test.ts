import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, test } from 'vitest';
import { channel } from '@aiopipe/codec';
import { startProcess } from '@aiopipe/process';
import { fixture, isRunning, leakCheck, runFixture, until } from '@aiopipe/testing';
import { andReturns, andStays } from '../fixtures/leaves-a-program.js';

const directory = mkdtempSync(join(tmpdir(), 'aiopipe-lifetime-'));
const checkLeaks = leakCheck();
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await checkLeaks();
});

type Tree = Record<'idle' | 'busy' | 'nested' | 'grandchild' | 'detached', number>;

/** Ends as `then` says; with nothing to do for it, `end` ends it. Checks who is there before and after. */
async function treeThatEnds(then: string, end?: (pid: number) => void): Promise<unknown> {
  const parent = spawn(process.execPath, [fixture('starts-a-tree'), then], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = (await once(createInterface(parent.stdout), 'line')) as [string];
  const tree = JSON.parse(line) as Tree;
  expect(Object.keys(tree).sort()).toEqual(['busy', 'detached', 'grandchild', 'idle', 'nested']);
  if (end !== undefined) {
    for (const pid of Object.values(tree)) expect(isRunning(pid)).toBe(true);
    end(parent.pid as number);
  }
  const ended = parent.exitCode === null && parent.signalCode === null ? await once(parent, 'exit') : undefined;
  const { detached, ...others } = tree;
  await until('all but the detached one are gone', () => !Object.values(others).some(isRunning));
  expect(isRunning(detached)).toBe(true);
  process.kill(detached, 'SIGKILL');
  await until('the detached one is gone', () => !isRunning(detached));
  return ended ?? [parent.exitCode, parent.signalCode];
}

describe('children, busy and idle, and their children end with their parent, and a detached one stays', () => {
  test.each(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGABRT'] as const)('at %s', async (signal) => {
    expect(await treeThatEnds('', (pid) => process.kill(pid, signal))).toEqual([null, signal]);
  });

  test('at process.exit()', async () => {
    expect(await treeThatEnds('exit')).toEqual([7, null]);
  });

  test('at an uncaught error', async () => {
    expect(await treeThatEnds('throw')).toEqual([1, null]);
  });

  test('at its normal exit, where they are daemons', async () => {
    expect(await treeThatEnds('return')).toEqual([0, null]);
  });
});

describe('a program that a child has left in its group ends with the child', () => {
  test('which returns', async () => {
    const child = startProcess(andReturns);
    const pid = await child.result;
    await child.join();
    await until('the program is gone', () => !isRunning(pid));
  });

  test('which something else than its handle kills', async () => {
    const [reader, writer] = channel<number>();
    const child = startProcess(andStays, { args: [writer] });
    const pid = await reader.get();
    process.kill(child.pid as number, 'SIGKILL');
    expect(await child.join()).toEqual({ exitCode: null, signalCode: 'SIGKILL' });
    await until('the program is gone', () => !isRunning(pid));
    reader.close();
  });
});

describe('a daemon gets SIGTERM when its parent is gone', () => {
  test.each(['', 'exit', 'SIGKILL'])('and time to handle it (%s)', async (end) => {
    const file = join(directory, `handles-${end}`);
    await runFixture('has-a-daemon', { args: [file, 'handles it', end] });
    await until('it has ended by itself', () => readFileSync(file, 'utf8').endsWith('SIGTERM\nends\n'));
    await until('it is gone', () => !isRunning(pidIn(file)));
  });

  test('and is killed a little later if it stays', async () => {
    const file = join(directory, 'deaf');
    await runFixture('has-a-daemon', { args: [file, 'is deaf', ''] });
    await until('it is gone', () => !isRunning(pidIn(file)));
    expect(readFileSync(file, 'utf8')).toMatch(/^pid \d+\nSIGTERM\n$/);
  });

  test('and a busy loop keeps it from handling that, but not from ending', async () => {
    const file = join(directory, 'busy');
    await runFixture('has-a-daemon', { args: [file, 'is busy', ''] });
    await until('it is gone', () => !isRunning(pidIn(file)));
    expect(readFileSync(file, 'utf8')).toMatch(/^pid \d+\n$/);
  });
});

const pidIn = (file: string) => Number(/^pid (\d+)\n/.exec(readFileSync(file, 'utf8'))?.[1]);

describe('children of a worker thread, busy and idle, end with it and leave nothing, and others stay', () => {
  test.each(['is terminated', 'exits', 'throws', 'returns'])('when it %s', async (how) => {
    const { stdout, stderr } = await runFixture('starts-in-a-worker', { args: [how] });
    expect({ stdout, stderr }).toEqual({ stdout: '{"ours":2,"left":[]}', stderr: '' });
  });
});

test('a detached child gets all of its arguments, and returns without a failure when its parent has ended', async () => {
  const file = join(directory, 'ended');
  expect(await runFixture('outlives-its-parent', { args: [file] })).toMatchObject({ code: 0, stderr: '' });
  await until('it has ended', () => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'));
  expect(readFileSync(file, 'utf8')).toBe('5000000 bytes, exit 0\n');
});

describe('the program goes on', () => {
  test.each([
    ['until its child has ended', '', 'waited\n'],
    ['without waiting for a daemon', 'daemon', 'left it\n'],
    ['without waiting for an unref’d child', 'unref', 'left it\n'],
    ['until a daemon that was ref’d has ended', 'daemon-ref', 'waited\n'],
  ])('%s', async (_name, how, output) => {
    expect(await runFixture('holds-its-parent', { args: [how] })).toEqual({
      code: 0,
      signal: null,
      stdout: output,
      stderr: '',
    });
  });
});

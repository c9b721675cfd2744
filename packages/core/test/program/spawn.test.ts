import { execFile, spawn as nodeSpawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  childPids,
  fdsSince,
  fixture,
  fixtureArgv,
  isRunning,
  leakCheck,
  openFds,
  readFrom,
  until,
} from '@aiopipe/testing';
import { aioduplex, aiopipe, SystemError } from '@aiopipe/core';
import { spawn, type Exit, type SpawnOptions } from '@aiopipe/core/internal';
import { isPending, thrownBy } from '../helpers.js';

const checkLeaks = leakCheck();
let directory = '';
beforeAll(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'aiopipe-spawn-')));
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await checkLeaks();
});

interface RunOptions extends Omit<Partial<SpawnOptions>, 'fds'> {
  /** Beside fd 1, which is what is read. */
  readonly fds?: readonly (readonly [number, number])[];
}

/** Runs a program to its end; what it writes to its fd 1 is `output`. */
async function run(
  file: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<{ output: string; exit: Exit }> {
  const [rx, tx] = aiopipe();
  using _rx = rx;
  let program: ReturnType<typeof spawn>;
  {
    using child = tx.detach();
    program = spawn({ file, argv: [file, ...args], ...options, fds: new Map([...(options.fds ?? []), [1, child.fd]]) });
  }
  await using reader = rx.open();
  const output = (await reader.read()).toString();
  return { output, exit: await program.exited };
}

const shell = (script: string, options?: RunOptions) => run('sh', ['-c', script], options);

describe('the fd map', () => {
  test('gives the child what it names, under its numbers, and nothing else', async () => {
    const stray = openSync('/dev/null', 'r');
    const [rx, tx] = aiopipe();
    const [one, other] = aioduplex();
    const program = await run('ls', ['-l', '/proc/self/fd'], {
      fds: [
        [7, tx.fd],
        [4, one.fd],
        [9, tx.fd],
      ],
    });
    const fds = [...program.output.matchAll(/ (\d+) -> (\S+)/g)].filter(
      ([, , target]) => !/^\/proc\//.test(target ?? ''),
    );
    expect(fds.map(([, fd]) => Number(fd))).toEqual([1, 4, 7, 9]);
    const target = (fd: number) => fds.find(([, number]) => number === String(fd))?.[2];
    const before = openFds();
    expect(target(7)).toBe(before.get(tx.fd));
    expect(target(9)).toBe(before.get(tx.fd));
    expect(target(4)).toBe(before.get(one.fd));
    expect(target(1)).toMatch(/^pipe:/);
    for (const end of [rx, tx, one, other]) end.close();
    closeSync(stray);
  });

  test('swaps numbers that are in the way of each other', async () => {
    const a = aiopipe();
    const b = aiopipe();
    const [first, second] = [a[1].fd, b[1].fd];
    const [low, high] = [Math.min(first, second), Math.max(first, second)];
    const { exit } = await shell(
      `echo first >&${String(second)}; echo second >&${String(first)}`.replaceAll(/>&(\d\d+)/g, '>/proc/self/fd/$1'),
      {
        fds: [
          [second, first],
          [first, second],
        ],
      },
    );
    expect(exit.exitCode).toBe(0);
    expect(low).toBeLessThan(high);
    const text = (fd: number) => {
      const bytes = Buffer.alloc(100);
      return bytes.toString('utf8', 0, readFrom(fd, bytes));
    };
    expect([text(a[0].fd), text(b[0].fd)]).toEqual(['first\n', 'second\n']);
    for (const end of [...a, ...b]) end.close();
  });

  test('rotates 0, 1 and 2', async () => {
    const [rx, tx] = aiopipe();
    const { output } = await shell('readlink /proc/$$/fd/0 /proc/$$/fd/2', {
      fds: [
        [0, 2],
        [2, 0],
        [5, tx.fd],
      ],
    });
    const ours = openFds();
    expect(output.trim().split('\n')).toEqual([ours.get(2), ours.get(0)]);
    rx.close();
    tx.close();
  });

  test('may leave the child without 0, 1 and 2', async () => {
    const program = spawn({ file: 'sh', argv: ['sh', '-c', 'exit 5'], fds: new Map() });
    expect((await program.exited).exitCode).toBe(5);
  });

  test('leaves our own descriptors as they are', async () => {
    const before = openFds();
    await shell('exit 0', {
      fds: [
        [0, 0],
        [2, 2],
      ],
    });
    expect(fdsSince(before)).toEqual([]);
  });

  test('that names a number which is not open is an EBADF, and no child is left', () => {
    const before = childPids();
    const error = thrownBy(() => spawn({ file: 'true', argv: ['true'], fds: new Map([[0, 98_765]]) }));
    expect(error).toMatchObject({ code: 'EBADF', syscall: 'dup2' });
    expect(childPids()).toEqual(before);
  });

  test('keeps out what we inherited without close-on-exec', async () => {
    // The descriptors that a Node program got from its parent have no such flag.
    const { stdout } = await promisify(execFile)('sh', [
      '-c',
      'exec 8</dev/null 9</dev/null; exec "$0" "$@"',
      process.execPath,
      fixture('lists-fds-of-a-child'),
    ]);
    expect(stdout).toBe('here: 8 9, in the child: 0 1\n');
  });
});

describe('the child', () => {
  test('gets its arguments as they are', async () => {
    const words = ['', ' ', 'a b', '"', "'", '$HOME', '*', '\n', 'añ€😀', '-n', '\\'];
    const { output } = await run('printf', ['%s|', ...words]);
    expect(output).toBe(`${words.join('|')}|`);
  });

  test('gets argv[0] as given', async () => {
    const { output } = await run('/bin/sh', [], { argv: ['another name', '-c', 'echo "$0"'] });
    expect(output).toBe('another name\n');
  });

  test('gets only the environment that is given', async () => {
    const env = { PATH: process.env['PATH'], ONE: '1', EMPTY: '', NONE: undefined, TEXT: 'a=b\nc' };
    const { output } = await run('env', ['-0'], { env });
    expect(output.split('\0').filter(Boolean).sort()).toEqual(
      [`PATH=${String(process.env['PATH'])}`, 'ONE=1', 'EMPTY=', 'TEXT=a=b\nc'].sort(),
    );
  });

  test('gets our environment if none is given', async () => {
    process.env['AIOPIPE_TEST'] = 'ours';
    const { output } = await shell('echo $AIOPIPE_TEST');
    delete process.env['AIOPIPE_TEST'];
    expect(output).toBe('ours\n');
  });

  test('is looked up along the PATH of its own environment', async () => {
    const bin = join(directory, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'found-here'), '#!/bin/sh\necho found\n', { mode: 0o755 });
    const PATH = `/nowhere:${bin}:${process.env['PATH'] ?? ''}`;
    expect((await run('found-here', [], { env: { PATH } })).output).toBe('found\n');
    expect(thrownBy(() => spawn({ file: 'found-here', argv: ['x'], fds: new Map() })).code).toBe('ENOENT');
  });

  test('starts in the directory that is given, which a relative name is looked up in', async () => {
    writeFileSync(join(directory, 'local'), '#!/bin/sh\npwd\n', { mode: 0o755 });
    expect((await run('./local', [], { cwd: directory })).output).toBe(`${directory}\n`);
    expect((await shell('pwd')).output).toBe(`${process.cwd()}\n`);
  });

  test('has default dispositions and an empty signal mask', async () => {
    const handler = () => undefined;
    process.on('SIGUSR2', handler);
    const { output } = await run('cat', ['/proc/self/status']);
    process.off('SIGUSR2', handler);
    for (const name of ['SigIgn', 'SigBlk', 'SigCgt']) {
      expect(new RegExp(`^${name}:\\s*0+$`, 'm').test(output), name).toBe(true);
    }
  });

  test('is ended by SIGPIPE when its reader is gone', async () => {
    const [rx, tx] = aiopipe();
    rx.close();
    const program = spawn({ file: 'yes', argv: ['yes'], fds: new Map([[1, tx.fd]]) });
    tx.close();
    expect(await program.exited).toMatchObject({ exitCode: null, signalCode: 'SIGPIPE' });
  });

  test('is in our process group, in its own, or joins one', async () => {
    const groupOf = async (group?: 'inherit' | 'own' | number) =>
      Number((await shell('ps -o pgid= -p $$', group === undefined ? {} : { group })).output);
    const ours = Number((await shell(`ps -o pgid= -p ${String(process.pid)}`)).output);
    expect(await groupOf()).toBe(ours);
    expect(await groupOf('inherit')).toBe(ours);

    const [rx, tx] = aiopipe();
    const leader = spawn({ file: 'sh', argv: ['sh', '-c', 'read x'], fds: new Map([[0, rx.fd]]), group: 'own' });
    rx.close();
    expect(await groupOf(leader.pid)).toBe(leader.pid);
    tx.close();
    await leader.exited;
  });

  test('can be signalled alone, or with its group', async () => {
    for (const how of ['kill', 'killGroup'] as const) {
      const [rx, tx] = aiopipe();
      const script = 'sleep 100 & echo $!; exec sleep 100';
      const program = spawn({ file: 'sh', argv: ['sh', '-c', script], fds: new Map([[1, tx.fd]]), group: 'own' });
      tx.close();
      await using reader = rx.open();
      const grandchild = Number((await reader.readLine()).toString());
      expect(program[how]('SIGTERM')).toBe(true);
      expect(await program.exited).toMatchObject({ exitCode: null, signalCode: 'SIGTERM' });
      if (how === 'kill') {
        expect(isRunning(grandchild)).toBe(true);
        process.kill(grandchild, 'SIGKILL');
      }
      // It holds the pipe: its end is the end of the stream.
      expect(await reader.read()).toHaveLength(0);
      expect(program.kill()).toBe(false);
    }
  });

  test('leaves a group that can be signalled for as long as someone is in it', async () => {
    const [rx, tx] = aiopipe();
    const script = 'sleep 100 & echo $!';
    const program = spawn({ file: 'sh', argv: ['sh', '-c', script], fds: new Map([[1, tx.fd]]), group: 'own' });
    tx.close();
    await using reader = rx.open();
    const grandchild = Number((await reader.readLine()).toString());
    expect(await program.exited).toMatchObject({ exitCode: 0 });
    expect([program.kill('SIGKILL'), isRunning(grandchild)]).toEqual([false, true]);
    expect(program.killGroup('SIGKILL')).toBe(true);
    expect(await reader.read()).toHaveLength(0);
  });

  test('gets its death signal when the process that started it is gone', async () => {
    const [rx, tx] = aiopipe();
    const parent = spawn({
      file: process.execPath,
      argv: fixtureArgv('starts-a-sleeper'),
      fds: new Map([
        [1, tx.fd],
        [2, 2],
      ]),
    });
    tx.close();
    await using reader = rx.open();
    const sleeper = Number((await reader.readLine()).toString());
    expect(sleeper).toBeGreaterThan(0);
    expect(isRunning(sleeper)).toBe(true);
    parent.kill('SIGKILL');
    await parent.exited;
    expect(await reader.read()).toHaveLength(0);
    await until('the sleeper is gone', () => !isRunning(sleeper));
  });
});

describe('a program that cannot be started', () => {
  test.each<[string, string, Partial<SpawnOptions>, string, string | undefined]>([
    ['is not there', '/nowhere/program', {}, 'ENOENT', '/nowhere/program'],
    ['is not on the PATH', 'no-such-program', {}, 'ENOENT', 'no-such-program'],
    ['is a directory', '/', {}, 'EACCES', '/'],
    ['is below a file', '/etc/passwd/x', {}, 'ENOENT', '/etc/passwd/x'],
    ['has a cwd that is not there', 'true', { cwd: '/nowhere' }, 'ENOENT', '/nowhere'],
    ['has a cwd that is a file', 'true', { cwd: '/etc/passwd' }, 'ENOTDIR', '/etc/passwd'],
  ])('%s', (_name, file, options, code, path) => {
    const before = openFds();
    const children = childPids();
    const error = thrownBy(() => spawn({ file, argv: [file], fds: new Map(), ...options }));
    expect(error).toBeInstanceOf(SystemError);
    expect(error).toMatchObject({ code, path, syscall: options.cwd === undefined ? 'execve' : 'chdir' });
    expect(error['errno']).toBeLessThan(0);
    expect(error.message).toContain(file);
    expect(error.message).toContain(path);
    expect(fdsSince(before)).toEqual([]);
    expect(childPids()).toEqual(children);
  });

  test('is not executable', () => {
    const file = join(directory, 'text');
    writeFileSync(file, 'no program\n');
    expect(thrownBy(() => spawn({ file, argv: [file], fds: new Map() }))).toMatchObject({ code: 'EACCES', path: file });
  });

  test('has too many arguments', () => {
    const argv = Array.from({ length: 30_000 }, () => 'x'.repeat(1000));
    expect(thrownBy(() => spawn({ file: 'true', argv, fds: new Map() })).code).toBe('E2BIG');
  });

  test('would join a group that is not there', () => {
    const error = thrownBy(() => spawn({ file: 'true', argv: ['true'], fds: new Map(), group: 2 ** 22 + 1 }));
    expect(error).toMatchObject({ syscall: 'setpgid' });
    expect(['EPERM', 'ESRCH']).toContain(error.code);
  });

  test.each<[string, Partial<SpawnOptions>]>([
    ['file', { file: 'a\0b' }],
    ['argv', { argv: ['a', 'b\0c'] }],
    ['env', { env: { A: 'b\0c' } }],
    ['cwd', { cwd: '/\0' }],
    ['file', { file: '' }],
    ['deathSignal', { deathSignal: 'SIGNOTHING' as NodeJS.Signals }],
  ])('has a %s that cannot be', (_name, options) => {
    expect(() => spawn({ file: 'true', argv: ['true'], fds: new Map(), ...options })).toThrow(TypeError);
  });
});

describe('the end of a program', () => {
  test.each([0, 1, 2, 77, 126, 127, 128, 255])('with exit code %i is reported exactly', async (code) => {
    const { exit } = await shell(`exit ${String(code)}`);
    expect(exit).toMatchObject({ exitCode: code, signalCode: null });
  });

  test.each(['SIGTERM', 'SIGKILL', 'SIGINT', 'SIGABRT', 'SIGUSR1', 'SIGHUP'] as const)(
    'by %s is reported exactly',
    async (name) => {
      const { exit } = await shell(`kill -${name.slice(3)} $$`);
      expect(exit).toMatchObject({ exitCode: null, signalCode: name });
    },
  );

  test('is known to `exit` then, and not before', async () => {
    const [rx, tx] = aiopipe();
    const program = spawn({ file: 'sh', argv: ['sh', '-c', 'read x'], fds: new Map([[0, rx.fd]]) });
    rx.close();
    expect(program.exit).toBeUndefined();
    expect(await isPending(program.exited)).toBe(true);
    expect(program.kill(0)).toBe(true);
    tx.close();
    const exit = await program.exited;
    expect(program.exit).toBe(exit);
    expect(program.kill()).toBe(false);
    expect(isRunning(program.pid)).toBe(false);
  });

  test('comes with the resources that it used', async () => {
    const { exit } = await shell('i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done');
    const { userCPUTime, systemCPUTime, maxRSS } = exit.resourceUsage;
    expect(userCPUTime + systemCPUTime).toBeGreaterThan(10_000);
    expect(maxRSS).toBeGreaterThan(500);
    expect(maxRSS).toBeLessThan(1_000_000);
  });

  test('is exact for 100 at once, beside children of node:child_process, and no zombie or fd stays', async () => {
    const fds = openFds();
    const expected = (i: number) =>
      i % 3 === 0
        ? { exitCode: null, signalCode: i % 2 === 0 ? 'SIGKILL' : 'SIGTERM' }
        : { exitCode: i, signalCode: null };
    const script = (i: number) =>
      i % 3 === 0 ? `read x; kill -${i % 2 === 0 ? 'KILL' : 'TERM'} $$` : `read x; exit ${String(i)}`;

    // All wait for one pipe to close, so that all end at once.
    const [rx, tx] = aiopipe();
    const ours = Array.from({ length: 100 }, (_, i) =>
      spawn({ file: 'sh', argv: ['sh', '-c', script(i)], fds: new Map([[0, rx.fd]]) }),
    );
    const theirs = Array.from({ length: 50 }, (_, i) => {
      const child = nodeSpawn('sh', ['-c', script(i)], { stdio: [rx.fd, 'ignore', 'ignore'] });
      return once(child, 'exit') as Promise<[number | null, string | null]>;
    });
    rx.close();
    const pids = ours.map(({ pid }) => pid);
    expect(new Set(pids).size).toBe(100);
    tx.close();

    const exits = await Promise.all(ours.map(({ exited }) => exited));
    exits.forEach((exit, i) => {
      expect(exit).toMatchObject(expected(i));
      expect(exit.resourceUsage.maxRSS).toBeGreaterThan(0);
    });
    const codes = await Promise.all(theirs);
    codes.forEach(([exitCode, signalCode], i) => {
      expect({ exitCode, signalCode }).toEqual(expected(i));
    });
    const left = new Set(childPids());
    expect(pids.filter((pid) => left.has(pid))).toEqual([]);
    await until('all exit descriptors are closed', () => fdsSince(fds).length === 0);
  });

  test('of a program that no variable refers to is still reaped', async () => {
    const { pid } = spawn({ file: 'sh', argv: ['sh', '-c', 'exit 0'], fds: new Map() });
    (globalThis as unknown as { gc: () => void }).gc();
    await until('it is reaped', () => !childPids().includes(pid));
  });
});

test('a program holds our loop while it runs, unless it is unref’d', async () => {
  const start = async (how: string) => {
    const { output, exit } = await run(process.execPath, [...fixtureArgv('waits-for-a-program').slice(1), how], {
      fds: [[2, 2]],
    });
    expect(exit.exitCode).toBe(0);
    return output;
  };
  expect(await start('ref')).toBe('program ended: 3\n');
  expect(await start('unref')).toBe('');
  expect(await start('unref-ref')).toBe('program ended: 3\n');
});

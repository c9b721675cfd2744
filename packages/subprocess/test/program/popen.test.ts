import { open, readFile, writeFile } from 'node:fs/promises';
import { aioduplex, aiopipe, BusyError, TimeoutError } from '@aiopipe/core';
import { popen, type Program } from '@aiopipe/subprocess';
import { collectGarbage, errorOf, isRunning, leakCheck, runFixture, until } from '@aiopipe/testing';
import { afterAll, describe, expect, expectTypeOf, it } from 'vitest';
import { type ReadEnd, type WriteEnd } from '@aiopipe/core';
import { inDirectory, shell, whatIsThere } from '../helpers.js';

afterAll(leakCheck());

async function outputOf(program: Program<WriteEnd | undefined, ReadEnd>): Promise<string> {
  await using reader = program.stdout.open();
  const text = String(await reader.read());
  await program.wait();
  return text;
}

describe('what a program is connected to', () => {
  it('has our ends where the option is pipe, and undefined elsewhere', async () => {
    const p = popen(['cat'], { stdin: 'pipe', stdout: 'pipe' });
    expectTypeOf(p.stdin).toEqualTypeOf<WriteEnd>();
    expectTypeOf(p.stdout).toEqualTypeOf<ReadEnd>();
    expectTypeOf(p.stderr).toEqualTypeOf<undefined>();
    expect([p.stdin.state, p.stdout.state, p.stderr]).toEqual(['owned', 'owned', undefined]);
    const writer = p.stdin.open();
    void writer.write('through\n');
    await writer.close();
    expect(await outputOf(p)).toBe('through\n');
    expect(await p.wait()).toMatchObject({ exitCode: 0, signalCode: null });
  });

  it('gets nothing of ours but what it was given', async () => {
    const [rx, tx] = aiopipe();
    const p = popen(['ls', '/proc/self/fd'], { stdin: 'ignore', stdout: 'pipe', stderr: 'ignore', fds: { 7: tx } });
    // One more is the listing itself.
    expect((await outputOf(p)).split('\n').filter(Boolean)).toEqual(['0', '1', '2', '3', '7']);
    rx.close();
  });

  it('writes to an extra fd, which has moved', async () => {
    const [rx, tx] = aiopipe();
    const p = popen(['sh', '-c', 'echo extra >&5'], { stdin: 'ignore', fds: { 5: tx } });
    expect(tx.state).toBe('moved');
    expect(() => tx.fd).toThrow(/handed to .*echo extra.* as its fds\[5\]/);
    await using reader = rx.open();
    expect(String(await reader.read())).toBe('extra\n');
    await p.wait();
  });

  it('reads and writes one socket when both are the same duplex end', async () => {
    const [ours, theirs] = aioduplex();
    const p = popen(['cat'], { stdin: theirs, stdout: theirs });
    await using stream = ours.open();
    void stream.writer.write('there and back');
    await stream.writer.close();
    expect(String(await stream.reader.read())).toBe('there and back');
    await p.wait();
  });

  it.runIf(process.platform === 'linux')('writes 128 KiB to its stdout before anyone reads', async () => {
    const p = popen(['head', '-c', String(128 * 1024), '/dev/zero'], { stdin: 'ignore', stdout: 'pipe' });
    await p.wait();
    expect(await outputOf(p)).toHaveLength(128 * 1024);
  });

  it.runIf(process.platform === 'linux')('starts when the memory of all pipes of the user is used up', async () => {
    const { stdout, stderr } = await runFixture('run-without-pipe-memory');
    expect([stdout, stderr]).toEqual(['EPERM 100000\n', '']);
  });

  it('leaves nothing of its files behind in a worker thread, which would close the number of another', async () => {
    const { stdout, stderr } = await runFixture('ignores-in-worker');
    expect([stdout, stderr]).toEqual(['0\n', '']);
  });

  it('keeps the order of stdout and stderr on one pipe', async () => {
    const script = 'for i in 1 2 3; do echo out $i; echo err $i >&2; done';
    const p = popen(['sh', '-c', script], { stdin: 'ignore', stdout: 'pipe', stderr: 'stdout' });
    expect(await outputOf(p)).toBe(shell(`(${script}) 2>&1`));
  });

  it('reads a FileHandle from its offset on, which moves along, and leaves it open', () =>
    inDirectory(async (path) => {
      await writeFile(path('a'), 'first\nsecond\n');
      await using handle = await open(path('a'));
      await handle.read(Buffer.alloc(6), 0, 6, null);
      const p = popen(['cat'], { stdin: handle, stdout: 'pipe' });
      expect(await outputOf(p)).toBe('second\n');
      expect((await handle.read(Buffer.alloc(6), 0, 6, null)).bytesRead).toBe(0);
    }));

  it('empties a file, or appends to it', () =>
    inDirectory(async (path) => {
      const file = path('log');
      await popen(['echo', 'zero'], { stdout: { file } }).wait();
      await popen(['echo', 'one'], { stdout: { file } }).wait();
      await popen(['sh', '-c', 'echo two >&2'], { stderr: { file, append: true } }).wait();
      expect(await readFile(file, 'utf8')).toBe('one\ntwo\n');
      expect(await outputOf(popen(['cat'], { stdin: { file }, stdout: 'pipe' }))).toBe('one\ntwo\n');
    }));

  it('joins two programs by a pipe that is not ours any more', async () => {
    const p1 = popen(['printf', 'b\\na\\n'], { stdout: 'pipe' });
    const p2 = popen(['sort'], { stdin: p1.stdout, stdout: 'pipe' });
    expect(p1.stdout.state).toBe('moved');
    expect(await outputOf(p2)).toBe('a\nb\n');
    expect((await p1.wait()).exitCode).toBe(0);
  });

  it('gets blocking descriptors, also if ours do not block', async () => {
    const [rx, tx] = aiopipe();
    // Flags of an open file: octal, 04000 is O_NONBLOCK.
    const script = 'for fd in 0 1 3; do grep flags /proc/self/fdinfo/$fd; done >&2';
    const p = popen(['sh', '-c', script], { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe', fds: { 3: tx } });
    await using reader = p.stderr.open();
    const flags = String(await reader.read()).match(/\d+/g);
    expect(flags).toHaveLength(3);
    for (const flag of flags ?? []) expect(parseInt(flag, 8) & 0o4000).toBe(0);
    rx.close();
    p.stdin.close();
    p.stdout.close();
    await p.wait();
  });
});

describe('its surroundings', () => {
  it('has the cwd and all of the environment that it was given, and no more', async () => {
    const p = popen(['/usr/bin/env'], { stdin: 'ignore', stdout: 'pipe', env: { A: '1', B: undefined }, cwd: '/' });
    expect(await outputOf(p)).toBe('A=1\n');
    expect(await outputOf(popen(['pwd'], { stdout: 'pipe', cwd: '/usr' }))).toBe('/usr\n');
  });

  it('is found along the PATH of its environment', () =>
    inDirectory(async (path) => {
      await writeFile(path('only-here'), '#!/bin/sh\necho found', { mode: 0o755 });
      const PATH = `${path('.')}:/bin:/usr/bin`;
      expect(await outputOf(popen(['only-here'], { stdout: 'pipe', env: { PATH } }))).toBe('found\n');
    }));

  it('has default dispositions and an empty mask', async () => {
    const p = popen(['cat', '/proc/self/status'], { stdout: 'pipe' });
    const none = '0'.repeat(16);
    const masks = [...(await outputOf(p)).matchAll(/^Sig(Blk|Ign|Cgt):\s(\w+)$/gm)].map(([, , mask]) => mask);
    expect(masks).toEqual([none, none, none]);
  });

  it('leads a group, or joins one', async () => {
    const script = ['sh', '-c', 'cut -d" " -f5 /proc/$$/stat; read end'];
    const p1 = popen(script, { stdin: 'pipe', stdout: 'pipe', group: 'own' });
    const p2 = popen(script, { stdin: 'pipe', stdout: 'pipe', group: p1.pid });
    for (const p of [p1, p2]) {
      p.stdin.close();
      expect(Number(await outputOf(p))).toBe(p1.pid);
    }
  });
});

describe('its end', () => {
  it('tells exit code, signal and what it used', async () => {
    const p = popen(['sh', '-c', 'exit 7']);
    expect([p.poll(), p.exitCode, p.signalCode]).toEqual([undefined, null, null]);
    const exit = await p.wait();
    expect(exit).toMatchObject({ exitCode: 7, signalCode: null });
    expect(exit.resourceUsage.maxRSS).toBeGreaterThan(100);
    expect([p.poll(), p.exitCode, p.resourceUsage]).toEqual([exit, 7, exit.resourceUsage]);
    expect(await p.wait()).toBe(exit);
  });

  it('can be waited for with a timeout, which ends the wait alone', async () => {
    const p = popen(['sleep', '1000']);
    await expect(p.wait({ timeout: 1 })).rejects.toThrow(TimeoutError);
    await expect(p.wait({ signal: AbortSignal.abort('why') })).rejects.toMatchObject({
      code: 'ABORT_ERR',
      cause: 'why',
    });
    expect(p.kill()).toBe(true);
    expect(await p.wait()).toMatchObject({ exitCode: null, signalCode: 'SIGTERM' });
    expect(p.kill()).toBe(false);
  });

  it('is by SIGPIPE when its reader is gone', async () => {
    const p = popen(['yes'], { stdout: 'pipe' });
    p.stdout.close();
    expect((await p.wait()).signalCode).toBe('SIGPIPE');
  });

  it('comes with its scope, for its whole group', async () => {
    let grandchild: number;
    {
      await using p = popen(['sh', '-c', 'sleep 1000 & echo $!; wait'], { stdout: 'pipe', group: 'own' });
      const reader = p.stdout.open();
      grandchild = Number(await reader.readLine());
      expect(isRunning(grandchild)).toBe(true);
    }
    expect(isRunning(grandchild)).toBe(false);
  });

  it('comes to the group that it left behind, as long as that is its own', async () => {
    const p = popen(['sh', '-c', 'sleep 1000 & echo $!'], { stdout: 'pipe', group: 'own' });
    await using reader = p.stdout.open();
    const grandchild = Number(await reader.readLine());
    await p.wait();
    expect(p.kill()).toBe(false);
    expect(p.killGroup('SIGKILL')).toBe(true);
    await until('the grandchild has ended', () => !isRunning(grandchild));
  });

  it('comes by SIGKILL if it ignores SIGTERM', async () => {
    const p = popen(['sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 1; done'], {
      stdout: 'pipe',
      group: 'own',
    });
    const reader = p.stdout.open();
    await reader.readLine();
    await p[Symbol.asyncDispose]();
    expect(p.signalCode).toBe('SIGKILL');
  });

  it('comes with ours, however we end', async () => {
    const { stdout, signal } = await runFixture('start-and-die');
    expect(signal).toBe('SIGKILL');
    await until('the program has ended', () => !isRunning(Number(stdout)));
  });
});

describe('200 in a row', () => {
  it('leave no fd and no process', async () => {
    const { fds, children } = whatIsThere();
    for (let i = 0; i < 200; i++) {
      await using p = popen(['cat'], { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' });
      if (i % 2 === 0) {
        p.stdin.close();
        await p.wait();
      }
    }
    expect([fds(), children()]).toEqual([[], []]);
  });
});

it('can take no end that is in use', async () => {
  const [rx, tx] = aiopipe();
  await using _reader = rx.open();
  expect(() => popen(['cat'], { stdin: rx })).toThrow(BusyError);
  tx.close();
});

it('the arguments may be a Proxy of an array', async () => {
  const p = popen(new Proxy(['sh', '-c', 'exit 3'], {}));
  expect(await p.wait()).toMatchObject({ exitCode: 3 });
});

it('a wait that timed out leaves nothing behind while the program runs', async () => {
  await using p = popen(['sleep', '1000']);
  const waited = async () => {
    const wait = p.wait({ timeout: 1 });
    expect(await errorOf(wait)).toBeInstanceOf(TimeoutError);
    return new WeakRef(wait);
  };
  const wait = await waited();
  await until('the promise was collected', async () => {
    await collectGarbage();
    return wait.deref() === undefined;
  });
  expect(isRunning(p.pid)).toBe(true);
});

import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { fixture, fixtureArgv, fdsSince, isRunning, leakCheck, openFds, runFixture, until } from '@aiopipe/testing';
import { aioduplex, aiopipe } from '@aiopipe/core';
import { READABLE, WRITABLE, native, spawn } from '@aiopipe/core/internal';

afterAll(leakCheck());

const run = promisify(execFile);
const hasCompiler = spawnSync('cc', ['--version']).status === 0;

test('is loaded once, with the bits that libuv has', () => {
  expect(native()).toBe(native());
  expect([READABLE, WRITABLE]).toEqual([1, 2]);
});

test('works in several worker threads at once, and again after they ended', async () => {
  const result = await runFixture('pipes-in-workers', { args: ['6'] });
  expect(result).toEqual({ code: 0, signal: null, stderr: '', stdout: '6 workers, 6 right sums, 6 exits, main too\n' });
});

test('says that there are too many open files, leaks none, and goes on when some are closed', async () => {
  const { stdout } = await run('sh', [
    '-c',
    'ulimit -n 64 && exec "$0" "$@"',
    process.execPath,
    fixture('runs-out-of-fds'),
  ]);
  expect(stdout.split('\n')).toEqual([
    'aiopipe: EMFILE pipe',
    'aioduplex: EMFILE socketpair',
    'spawn: EMFILE',
    'no child',
    'nothing leaked',
    'works again',
    '',
  ]);
});

test.skipIf(!hasCompiler)('says that the system has too many open files, and leaks none', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'aiopipe-enfile-'));
  try {
    const library = join(directory, 'system-without-files.so');
    await run('cc', ['-shared', '-fPIC', '-o', library, 'test/fixtures/system-without-files.c']);
    const { stdout } = await run(process.execPath, [fixture('needs-new-files'), library]);
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^aiopipe: ENFILE .*the system has too many open files/),
      expect.stringMatching(/^aioduplex: ENFILE .*the system has too many open files/),
      expect.stringMatching(/^spawn: ENFILE .*the system has too many open files/),
      'no child',
      '0 descriptors leaked',
      '',
    ]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test.skipIf(!hasCompiler).each(['ENOSYS', 'EPERM'])(
  'starts programs, and guards them, where newer system calls give %s',
  async (error) => {
    const directory = mkdtempSync(join(tmpdir(), 'aiopipe-calls-'));
    try {
      const library = join(directory, 'system-without-calls.so');
      await run('cc', ['-shared', '-fPIC', `-DERROR=${error}`, '-o', library, 'test/fixtures/system-without-calls.c']);
      const { stdout, stderr, signal } = await runFixture('needs-new-calls', { args: [library] });
      expect({ stderr, signal }).toEqual({ stderr: '', signal: 'SIGKILL' });
      const [exits, fds, left, pid] = stdout.split('\n');
      const expected = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? String(i) : 'SIGKILL'));
      expect(exits).toBe(expected.join());
      // The shell's listing has the directory that it reads as well.
      expect(fds?.split(',').filter((fd) => fd !== '1')).toHaveLength(1);
      expect(left).toBe('left: ');
      await until('the guard has ended it', () => !isRunning(Number(pid)));
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);

test.each([
  ['another process sends signals', 'signals', []],
  ['a profiler sends signals', 'profiler', ['--cpu-prof', '--cpu-prof-interval=200']],
])('a flush that blocks the thread keeps its limit while %s', async (_, storm, options) => {
  const directory = mkdtempSync(join(tmpdir(), 'aiopipe-storm-'));
  try {
    const execArgv = options.length > 0 ? [...options, `--cpu-prof-dir=${directory}`] : [];
    const result = await runFixture('flushes-in-a-storm', { args: [storm], execArgv });
    expect(result).toEqual({ code: 0, signal: null, stdout: 'gave up in the storm\n', stderr: '' });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('ignores SIGPIPE, and lets children have it', async () => {
  const { stdout } = await run('sh', [
    '-c',
    'trap "" USR1; exec "$0" "$@"',
    process.execPath,
    fixture('signals-of-a-child'),
  ]);
  const [ours, theirs] = JSON.parse(stdout) as Record<string, string>[];
  const sigpipe = 1n << 12n;
  expect(BigInt(`0x${ours?.['SigIgn'] ?? ''}`) & sigpipe).toBe(sigpipe);
  expect(theirs).toMatchObject({ SigIgn: '0000000000000000', SigBlk: '0000000000000000', SigCgt: '0000000000000000' });
});

describe('descriptors that travel over a socket', () => {
  /** Some systems send without blocking only if O_NONBLOCK is set. */
  const sockets = () => {
    const ends = aioduplex();
    for (const { fd } of ends) native().setNonblocking(fd, 1);
    return ends;
  };
  const send = (fd: number, passed: number[]) =>
    native().writeParts(fd, [Buffer.from('with '), Buffer.from('them')], 0, true, Int32Array.from(passed));
  const receive = (fd: number) => {
    const bytes = Buffer.alloc(100);
    const passed = new Int32Array(254);
    const count = native().receive(fd, bytes, 0, bytes.length, passed);
    return {
      text: bytes.toString('utf8', 0, Math.max(0, count)),
      passed: [...passed.subarray(1, 1 + Math.max(0, passed[0] ?? 0))],
    };
  };

  test.each([1, 2, 253])('%i at once arrive as what they were, close-on-exec', (count) => {
    const before = openFds();
    const [one, other] = sockets();
    const [rx, tx] = aiopipe();
    expect(
      send(
        one.fd,
        Array.from({ length: count }, () => tx.fd),
      ),
    ).toBe(9);
    const { text, passed } = receive(other.fd);
    expect(text).toBe('with them');
    expect(passed).toHaveLength(count);
    expect(new Set(passed).size).toBe(count);
    const now = openFds();
    for (const fd of passed) {
      expect(now.get(fd)).toBe(now.get(tx.fd));
      const flags = /flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${String(fd)}`, 'utf8'))?.[1] ?? '';
      expect(parseInt(flags, 8) & 0o2000000).not.toBe(0);
      native().close(fd);
    }
    for (const end of [one, other, rx, tx]) end.close();
    expect(fdsSince(before)).toEqual([]);
  });

  test('more than the kernel takes are refused, and none that is not open is sent', () => {
    const [one, other] = sockets();
    const { errno } = constants;
    expect(
      send(
        one.fd,
        Array.from({ length: 254 }, () => one.fd),
      ),
    ).toBe(-errno.EINVAL);
    expect(send(one.fd, [98_765])).toBe(-errno.EBADF);
    expect(receive(other.fd)).toEqual({ text: '', passed: [] });
    one.close();
    other.close();
  });

  test('come with the bytes that they were sent with, not with others', () => {
    const [one, other] = sockets();
    native().write(one.fd, Buffer.from('before '), 0, 7, true);
    send(one.fd, [one.fd]);
    native().write(one.fd, Buffer.from(' after'), 0, 6, true);
    const first = receive(other.fd);
    expect(first).toMatchObject({ text: 'before with them', passed: [expect.any(Number)] });
    expect(receive(other.fd)).toEqual({ text: ' after', passed: [] });
    for (const fd of first.passed) native().close(fd);
    one.close();
    other.close();
  });
});

describe('the lifeline', () => {
  test.each(['inherit', 'own'] as const)('ends a busy process when its other end closes (group: %s)', async (group) => {
    const [ours, theirs] = aioduplex();
    const program = spawn({
      file: process.execPath,
      argv: fixtureArgv('is-busy-with-a-lifeline'),
      fds: new Map([
        [2, 2],
        [3, theirs.fd],
      ]),
      group,
    });
    theirs.close();
    const stream = ours.open();
    const grandchild = Number((await stream.reader.readLine()).toString());
    // A signal to the process 0 would end the group of this one.
    expect(grandchild).toBeGreaterThan(0);
    expect(program.exit).toBeUndefined();
    stream.reader.close();
    stream.writer.destroy();
    expect(await program.exited).toMatchObject(
      group === 'own' ? { exitCode: null, signalCode: 'SIGKILL' } : { exitCode: 1, signalCode: null },
    );
    // A group that it leads ends with it.
    if (group === 'inherit') process.kill(grandchild, 'SIGKILL');
    await until('the grandchild is gone', () => !isRunning(grandchild));
  });
});

test('the package can be required from CommonJS, without a warning', async () => {
  const script = `const { aiopipe } = require('@aiopipe/core'); for (const end of aiopipe()) end.close(); console.log('required')`;
  const { stdout, stderr } = await run(process.execPath, ['-e', script]);
  expect(stdout).toBe('required\n');
  expect(stderr).toBe('');
});

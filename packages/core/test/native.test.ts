import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { fixture, leakCheck, runFixture } from '@aiopipe/testing';
import { READABLE, WRITABLE, native } from '@aiopipe/core/internal';

afterAll(leakCheck());

test('is loaded once, with the bits that libuv has', () => {
  expect(native()).toBe(native());
  expect([READABLE, WRITABLE]).toEqual([1, 2]);
});

test('works in several worker threads at once, and again after they ended', async () => {
  const result = await runFixture('pipes-in-workers', { args: ['6'] });
  expect(result).toEqual({ code: 0, signal: null, stderr: '', stdout: '6 workers, 6 right sums, 6 exits, main too\n' });
});

test('says that there are too many open files, leaks none, and goes on when some are closed', async () => {
  const { stdout } = await promisify(execFile)('sh', [
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

test('ignores SIGPIPE, and lets children have it', async () => {
  const { stdout } = await promisify(execFile)('sh', [
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

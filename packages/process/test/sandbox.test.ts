import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { fixture } from '@aiopipe/testing';
import { describe, expect, test } from 'vitest';

const run = promisify(execFile);

const RESULTS = 'program: hello, 7\nchild: 8\npool: 2,4,6,8,10,12\n';

const succeeds = (file: string, ...args: string[]) => spawnSync(file, args, { stdio: 'ignore' }).status === 0;

const hasStrace = succeeds('strace', '-f', '-o', '/dev/null', 'true');
/** A container may forbid namespaces. */
const canUnmount = succeeds('unshare', '--mount', 'sh', '-c', 'umount -l /proc');

describe.skipIf(!hasStrace)('programs, children and pools work where the system refuses newer calls', () => {
  test.each([
    ['an old kernel', 'ENOSYS', 'pidfd_open,close_range,clone3,preadv2,pwritev2'],
    ['a filter that knows them not', 'EPERM', 'pidfd_open,close_range,preadv2,pwritev2'],
    ['a kernel without pidfds', 'ENOSYS', 'pidfd_open'],
    ['a filter that forbids to splice', 'EPERM', 'preadv2,pwritev2,splice,vmsplice'],
  ])('%s: %s for %s', async (_, error, calls) => {
    const words = ['-f', '-o', '/dev/null', '-e', `trace=${calls}`, '-e', `inject=${calls}:error=${error}`];
    const { stdout, stderr } = await run('strace', [...words, process.execPath, fixture('works-in-a-sandbox')]);
    expect({ stdout, stderr }).toEqual({ stdout: RESULTS, stderr: '' });
  });
});

test.skipIf(!canUnmount)('programs, children and pools work without /proc and /dev/fd', async () => {
  const script = 'umount -l /proc && ! test -e /dev/fd/0 && exec "$0" "$@"';
  const words = ['--mount', 'sh', '-c', script, process.execPath, fixture('works-in-a-sandbox')];
  const { stdout, stderr } = await run('unshare', words);
  expect({ stdout, stderr }).toEqual({ stdout: RESULTS, stderr: '' });
});

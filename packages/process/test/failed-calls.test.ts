// The system lets one send or receive fail, for want of memory say, in the parent and in each of its children.
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { fixture, leakCheck, PROGRAM_LIMIT } from '@aiopipe/testing';

afterAll(leakCheck());

const canTrace =
  spawnSync('strace', ['-f', '--seccomp-bpf', '-o', '/dev/null', '-e', 'trace=sendto', 'true']).status === 0;

/** Of these, the second send of a child is that of a worker's READY. */
const WHEN = [1, 2, 3, 4];

test.runIf(canTrace).each(
  WHEN.flatMap((when) => [
    `ENOBUFS of sendto,sendmsg ${String(when)}`,
    `ENOBUFS of recvfrom,recvmsg ${String(when)}`,
    // As if the peer had closed, and it has not.
    ...(when === 2 ? [`EPIPE of sendto,sendmsg ${String(when)}`] : []),
  ]),
)('every task of a pool settles, and close() ends, if a call fails in each process: %s', async (which) => {
  const [error, , calls, when] = which.split(' ') as [string, string, string, string];
  const inject = ['-e', `trace=${calls}`, '-e', `inject=${calls}:error=${error}:when=${when}`];
  const { stdout } = await promisify(execFile)(
    'strace',
    ['-f', '--seccomp-bpf', '-o', '/dev/null', ...inject, process.execPath, fixture('runs-a-short-pool')],
    { timeout: PROGRAM_LIMIT, killSignal: 'SIGKILL' },
  );
  expect(stdout).toBe('3\n');
});

test.runIf(canTrace)(
  'the promises of a child settle if the system says that it has closed its channel, but it lives on',
  async () => {
    // A child sends twice: the third send is the parent's third start.
    const inject = ['-e', 'trace=sendto,sendmsg', '-e', 'inject=sendto,sendmsg:error=EPIPE:when=3'];
    const { stdout } = await promisify(execFile)(
      'strace',
      ['-f', '--seccomp-bpf', '-o', '/dev/null', ...inject, process.execPath, fixture('starts-three-children')],
      { timeout: PROGRAM_LIMIT, killSignal: 'SIGKILL' },
    );
    expect(stdout).toBe('3\n');
  },
);

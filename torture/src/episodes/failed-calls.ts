import { spawnSync } from 'node:child_process';
import { Work } from '../work.js';
import { type Episode } from './episode.js';

/** System calls, the errors that each may have at any time, and among how many of its first calls one fails. */
const CALLS: readonly (readonly [calls: string, errors: readonly string[], among: number])[] = [
  ['read,readv,preadv2', ['EINTR', 'EIO', 'EAGAIN', 'ENOMEM', 'ECONNRESET'], 600],
  ['write,writev,pwritev2', ['EINTR', 'EPIPE', 'EAGAIN', 'ENOSPC', 'EIO'], 100],
  ['sendto,sendmsg', ['ENOBUFS', 'ETOOMANYREFS', 'EPIPE', 'EINTR', 'EAGAIN', 'ENOMEM'], 60],
  ['recvfrom,recvmsg', ['ENOBUFS', 'ENOMEM', 'ECONNRESET', 'EINTR', 'EAGAIN'], 60],
  ['pipe2', ['EMFILE', 'ENFILE'], 20],
  ['socketpair', ['EMFILE', 'ENFILE', 'ENOBUFS'], 20],
  ['setsockopt', ['ENOBUFS', 'ENOMEM'], 20],
  ['openat', ['EMFILE', 'ENFILE', 'EINTR'], 100],
  ['pidfd_open', ['EMFILE', 'ENFILE', 'ENOMEM'], 10],
  ['vfork', ['EAGAIN', 'ENOMEM'], 10],
  ['clone', ['EAGAIN', 'ENOMEM'], 2],
];

/** System calls that a sandbox or an old kernel always refuses, with the error. */
const REFUSED: readonly (readonly [calls: string, errors: readonly string[]])[] = [
  ['pidfd_open', ['ENOSYS', 'EPERM']],
  ['preadv2,pwritev2', ['ENOSYS', 'EPERM', 'EOPNOTSUPP']],
  ['close_range', ['ENOSYS', 'EPERM']],
];

const canTrace = (): string | undefined =>
  spawnSync('strace', ['-f', '--seccomp-bpf', '-o', '/dev/null', '-e', 'trace=sendto', 'true']).status === 0
    ? undefined
    : 'strace is not there, or may not trace';

const strace = (log: string, calls: string, error: string, when: string): string[] => {
  const inject = `inject=${calls}:error=${error}:when=${when}`;
  return ['strace', '-f', '-y', '--seccomp-bpf', '-o', log, '-e', `trace=${calls}`, '-e', inject];
};

/**
 * Whether libuv has ended the process: it aborts if it cannot read or write the eventfd by which threads wake its loop. `log` is strace's. Then
 * the last call that failed in one of the threads that the signal ended is such a call.
 */
function isAbortOfLibuv(log: string): boolean {
  const lastFailed = new Map<string, string>();
  for (const line of log.split('\n')) {
    const [thread = '', ...rest] = line.split(' ');
    if (line.endsWith('(INJECTED)')) lastFailed.set(thread, line);
    else if (rest.includes('SIGABRT') && lastFailed.get(thread)?.includes('<anon_inode:[eventfd]>')) return true;
  }
  return false;
}

export const failedCalls: Episode = {
  about: 'a system call fails: right data or a clear error, and never a hang',
  lacks: canTrace,
  wrapper(world, log) {
    const [calls, errors, among] = world.pick(CALLS);
    const error = world.pick(errors);
    const first = world.between(1, among);
    const when = world.pick([String(first), `${String(first)}+${String(world.between(5, 100))}`]);
    return { words: strace(log, calls, error, when), fault: error };
  },
  mayAbort: isAbortOfLibuv,
  run: (world) => new Work(world, true).some(3),
};

export const refusedCalls: Episode = {
  about: 'a sandbox or an old kernel refuses a system call: right data all the same',
  lacks: canTrace,
  wrapper(world) {
    const [calls, errors] = world.pick(REFUSED);
    const error = world.pick(errors);
    return { words: strace('/dev/null', calls, error, '1+'), fault: `${error} always` };
  },
  run: (world) => new Work(world, false).some(3),
};

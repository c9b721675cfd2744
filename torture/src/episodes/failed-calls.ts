import { spawnSync } from 'node:child_process';
import { HANDLE_PARTS } from '../workloads/handles.js';
import { PARTS } from '../workloads/parts.js';
import { Work, type Part } from '../workloads/work.js';
import { type World } from '../world.js';
import { type Episode } from './episode.js';

/** System calls, the errors that each may have at any time, and among how many of its first calls one fails. */
type Calls = readonly (readonly [calls: string, errors: readonly string[], among: number])[];

const CALLS: Calls = [
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

/** Those of shared memory, of Node's sockets in messages, and of channels between unrelated processes. */
const HANDLE_CALLS: Calls = [
  ['memfd_create', ['EMFILE', 'ENFILE', 'ENOMEM'], 10],
  ['ftruncate', ['EINTR', 'ENOSPC', 'ENOMEM'], 10],
  ['fcntl', ['EMFILE', 'EINVAL', 'EINTR'], 100],
  ['socket', ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'], 10],
  ['bind', ['EADDRINUSE', 'EACCES', 'ENOMEM'], 4],
  ['listen', ['EADDRINUSE', 'ENOBUFS'], 4],
  ['accept,accept4', ['EMFILE', 'ENFILE', 'ENOBUFS', 'ECONNABORTED', 'EINTR', 'EAGAIN'], 10],
  ['connect', ['ECONNREFUSED', 'ENOBUFS', 'EAGAIN', 'EINTR'], 10],
  ['getsockopt', ['ENOBUFS', 'EINVAL'], 20],
  ['epoll_ctl', ['ENOSPC', 'ENOMEM'], 20],
  ['sendto,sendmsg', ['ENOBUFS', 'ETOOMANYREFS', 'ENOMEM'], 60],
  ['recvfrom,recvmsg', ['ENOBUFS', 'ENOMEM', 'EMFILE'], 60],
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
 * Whether libuv has ended the process: it aborts if it cannot read or write the eventfd by which threads wake its loop, or if epoll_ctl(2)
 * fails within its loop. `log` is strace's. Then the last call that failed in one of the threads that the signal ended is such a call.
 */
function isAbortOfLibuv(log: string): boolean {
  const lastFailed = new Map<string, string>();
  for (const line of log.split('\n')) {
    const [thread = '', ...rest] = line.split(' ');
    if (line.endsWith('(INJECTED)')) lastFailed.set(thread, line);
    else if (rest.includes('SIGABRT') && /<anon_inode:\[eventfd\]>|epoll_ctl\(/.test(lastFailed.get(thread) ?? ''))
      return true;
  }
  return false;
}

const failedCallsOf = (calls: Calls, parts: readonly Part[]): Episode => ({
  about: 'a system call fails: right data or a clear error, and never a hang',
  lacks: canTrace,
  wrapper(world, log) {
    const [names, errors, among] = world.pick(calls);
    const error = world.pick(errors);
    const first = world.between(1, among);
    const when = world.pick([String(first), `${String(first)}+${String(world.between(5, 100))}`]);
    return { words: strace(log, names, error, when), fault: error };
  },
  mayAbort: isAbortOfLibuv,
  run: (world: World) => new Work(world, true).some(3, parts),
});

export const failedCalls = failedCallsOf(CALLS, PARTS);
export const failedCallsOfHandles = failedCallsOf(HANDLE_CALLS, HANDLE_PARTS);

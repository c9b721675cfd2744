import { spawnSync } from 'node:child_process';
import { openFds } from '@aiopipe/testing';
import { everyKindOfWork } from '../work.js';
import { type Episode } from './episode.js';

/** System calls, the errors that each may have at any time, and among how many of its first calls one fails. */
const CALLS: readonly (readonly [calls: string, errors: readonly string[], among: number])[] = [
  ['read,readv,preadv2', ['EINTR', 'EIO', 'EAGAIN', 'ENOMEM'], 600],
  ['write,writev,pwritev2', ['EINTR', 'EPIPE', 'EAGAIN', 'ENOSPC'], 100],
  ['sendto,sendmsg', ['ENOBUFS', 'ETOOMANYREFS', 'EPIPE', 'EINTR', 'EAGAIN', 'ENOMEM'], 60],
  ['recvfrom,recvmsg', ['ENOBUFS', 'ENOMEM', 'ECONNRESET', 'EINTR', 'EAGAIN'], 60],
  ['pipe2', ['EMFILE', 'ENFILE'], 20],
  ['socketpair', ['EMFILE', 'ENFILE', 'ENOBUFS'], 20],
  ['pidfd_open', ['EMFILE', 'ENFILE', 'ENOMEM'], 10],
  ['vfork', ['EAGAIN', 'ENOMEM'], 10],
];

const canTrace = (): string | undefined =>
  spawnSync('strace', ['-f', '-o', '/dev/null', '-e', 'trace=sendto', 'true']).status === 0
    ? undefined
    : 'strace is not there, or may not trace';

export const failedCalls: Episode = {
  about: 'a system call fails: right data or a clear error, and never a hang',
  lacks: canTrace,
  wrapper(world) {
    const [calls, errors, among] = world.pick(CALLS);
    const first = world.between(1, among);
    const when = world.pick([String(first), `${String(first)}+${String(world.between(5, 100))}`]);
    const inject = `inject=${calls}:error=${world.pick(errors)}:when=${when}`;
    return ['strace', '-f', '--seccomp-bpf', '-o', '/dev/null', '-e', `trace=${calls}`, '-e', inject];
  },
  async run(world) {
    world.fault('a failing system call');
    await everyKindOfWork(world);
  },
};

export const limits: Episode = {
  about: 'few descriptors: right data or a clear error, and never a hang',
  lacks: () => (spawnSync('prlimit', ['--version']).status === 0 ? undefined : 'prlimit is not there'),
  async run(world) {
    const most = openFds().size + world.between(1, 25);
    spawnSync('prlimit', [`--pid=${String(process.pid)}`, `--nofile=${String(most)}`]);
    world.fault('few descriptors');
    await everyKindOfWork(world);
  },
};

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { WAIT_LIMIT } from './limits.js';
import { openOwnDescriptors } from './own-descriptors.js';

/** Tries twice: the torture lets system calls fail by chance, and this is no call of what it tests. */
function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return readdirSync(directory);
  }
}

/** Returns the open descriptors of this process, each with its file (`pipe:[123]`, `socket:[456]`, `/a/file`). Linux. */
export function openFds(): Map<number, string> {
  openOwnDescriptors();
  const fds = new Map<number, string>();
  for (const name of namesIn('/proc/self/fd')) {
    try {
      fds.set(Number(name), readlinkSync(`/proc/self/fd/${name}`));
    } catch {
      // The directory's own descriptor: it was closed when the listing ended.
    }
  }
  return fds;
}

/** Pipes, sockets, terminals and shared memory that are open now and were not in `before`, as readable lines. Empty means: nothing leaked. */
export function fdsSince(before: Map<number, string>): string[] {
  return [...openFds()]
    .filter(
      ([fd, what]) =>
        before.get(fd) !== what && /^(pipe|socket):|pidfd|^\/memfd:|^\/dev\/(shm|pts)\/|^\/dev\/ptmx/.test(what),
    )
    .map(([fd, what]) => `${String(fd)} ${what}`);
}

/**
 * The children of a process (this one's, unless told otherwise) that are there now, zombies among them, but not the guard of
 * the core, which stays as long as the process. Linux.
 */
export function childPids(parent = process.pid): number[] {
  return pids().filter((pid) => {
    const stat = statOf(pid);
    return stat?.parent === parent && stat.name !== GUARD;
  });
}

const GUARD = 'aiopipe-guard';

/** The guards of a process: one, once it has started something. Linux. */
export function guardPids(parent = process.pid): number[] {
  return pids().filter((pid) => {
    const stat = statOf(pid);
    return stat?.parent === parent && stat.name === GUARD && isRunning(pid);
  });
}

const pids = () =>
  namesIn('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** Whether a process with that number is there and not a zombie. Linux. */
export function isRunning(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== undefined && stat.state !== 'Z' && stat.state !== 'X';
}

/**
 * The words that a process was started with; none if it is gone, a zombie or about to end. Linux.
 *
 * The parent's spawn returns before the kernel has put them there, so that they are empty for a moment. This waits for
 * them without leaving the turn: the caller sees the process before it has heard anything of it. It sleeps meanwhile, for the
 * process may need the core.
 */
export function commandOf(pid: number): string[] {
  const end = performance.now() + WAIT_LIMIT;
  for (;;) {
    let text: string;
    try {
      text = readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8');
    } catch {
      return [];
    }
    if (text !== '') return text.split('\0').slice(0, -1);
    if (!isRunning(pid) || hasNoCommand(pid)) return [];
    if (performance.now() > end)
      throw new Error(
        `process ${String(pid)} has no command line, and it has not ended: ${JSON.stringify(statOf(pid))}`,
      );
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
}

/** PF_EXITING and PF_KTHREAD of the kernel's sched.h. */
const EXITING = 0x0000_0004;
const KERNEL_THREAD = 0x0020_0000;

/** Kernel threads have no command line at all. A process that ends has given its memory back. A guard has dropped its own. */
function hasNoCommand(pid: number): boolean {
  const stat = statOf(pid);
  return ((stat?.flags ?? 0) & (EXITING | KERNEL_THREAD)) !== 0 || stat?.name === GUARD;
}

interface Stat {
  readonly name: string;
  readonly state: string;
  readonly parent: number;
  readonly flags: number;
}

function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${String(pid)}/stat`, 'latin1');
    // The second field is the program's name in parentheses, which may hold anything, parentheses too.
    const [state = '', parent = '', , , , , flags = ''] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
    return { name, state, parent: Number(parent), flags: Number(flags) };
  } catch {
    return undefined;
  }
}

/** The mappings of shared memory that this process has, as lines of /proc/self/maps. Linux. */
export function sharedMappings(): string[] {
  return readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => /\/(memfd:|dev\/shm\/)aiopipe/.test(line));
}

/** The bytes of shared memory that the whole machine has in use. Linux. */
export function sharedBytes(): number {
  return Number(/^Shmem:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024;
}

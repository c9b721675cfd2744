import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What this process has open now, as `number -> what it is` (`pipe:[123]`, `socket:[456]`, `/a/file`). Linux. */
export function openFds(): Map<number, string> {
  const fds = new Map<number, string>();
  for (const name of readdirSync('/proc/self/fd')) {
    try {
      fds.set(Number(name), readlinkSync(`/proc/self/fd/${name}`));
    } catch {
      // The directory's own descriptor: it was closed when the listing ended.
    }
  }
  return fds;
}

/** Pipes and sockets that are open now and were not in `before`, as readable lines. Empty means: nothing leaked. */
export function fdsSince(before: Map<number, string>): string[] {
  return [...openFds()]
    .filter(([fd, what]) => before.get(fd) !== what && /^(pipe|socket):|pidfd/.test(what))
    .map(([fd, what]) => `${String(fd)} ${what}`);
}

/** The children of a process (this one's, unless told otherwise) that are there now, zombies among them. Linux. */
export function childPids(parent = process.pid): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent);
}

/** Whether a process with that number is there and not a zombie. Linux. */
export function isRunning(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== undefined && stat.state !== 'Z' && stat.state !== 'X';
}

function parentOf(pid: number): number | undefined {
  return statOf(pid)?.parent;
}

function statOf(pid: number): { state: string; parent: number } | undefined {
  try {
    const text = readFileSync(`/proc/${String(pid)}/stat`, 'latin1');
    // The second field is the program's name in parentheses, which may hold anything, parentheses too.
    const [state = '', parent = ''] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { uptime } from 'node:os';

/** What the system says of a process: proc_pid_stat(5). */
export interface ProcessStat {
  /** The first 15 bytes of its name. */
  readonly name: string;
  /** One letter, as `ps` has it: `R`, `S`, `D`, `T`, `Z`. */
  readonly state: string;
  readonly parent: number;
  /** Processor time in milliseconds, of the process itself. */
  readonly cpuTime: number;
  /** The resident set, in bytes. */
  readonly memory: number;
  /** In ticks since the machine has started: tells a process from a later one with the same pid. */
  readonly startedAtTick: number;
}

/** USER_HZ, which is 100 on every architecture that Node supports. */
const MS_PER_TICK = 10;

/** Returns the pids of all processes that this one can see; undefined if the system does not tell. */
export function listPids(): number[] | undefined {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return undefined;
  }
}

/** Returns undefined if the process has ended, or if the system does not tell. */
export function readStat(pid: number): ProcessStat | undefined {
  const stat = readFields(pid);
  return stat && { ...stat, memory: stat.memory * pageSize() };
}

/** `memory` counts pages. */
function readFields(pid: number): ProcessStat | undefined {
  const text = readLine(`/proc/${String(pid)}/stat`);
  if (text === '') return undefined;
  // The second field is the program's name in parentheses, and may hold anything, parentheses too.
  const nameEnd = text.lastIndexOf(')');
  const fields = text.slice(nameEnd + 2).split(' ');
  const number = (index: number) => Number(fields[index]);
  return {
    name: text.slice(text.indexOf('(') + 1, nameEnd),
    state: fields[0] ?? '',
    parent: number(1),
    cpuTime: (number(11) + number(12)) * MS_PER_TICK,
    memory: number(21),
    startedAtTick: number(19),
  };
}

/** Longer than any line of numbers in `/proc`. */
const line = Buffer.allocUnsafe(4096);

/** Returns '' if it cannot be read. Takes three system calls; `readFileSync()` takes five. */
function readLine(path: string): string {
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r');
    return line.toString('latin1', 0, readSync(fd, line, 0, line.length, 0));
  } catch {
    return '';
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Returns the words that a process was started with, as one line; '' if the system does not tell. */
export function readCommand(pid: number): string {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8')
      .replaceAll('\0', ' ')
      .trim();
  } catch {
    return '';
  }
}

/** When a process was started, as `Date.now()` counts. */
export function startTime({ startedAtTick }: ProcessStat): number {
  return Math.round(Date.now() - uptime() * 1000 + startedAtTick * MS_PER_TICK);
}

let bytesPerPage: number | undefined;

/** Nothing in Node tells it, so it is what this process's memory in bytes is to that in pages: a power of two. */
function pageSize(): number {
  if (bytesPerPage === undefined) {
    const pages = readFields(process.pid)?.memory ?? 0;
    bytesPerPage = pages > 0 ? 2 ** Math.round(Math.log2(process.memoryUsage.rss() / pages)) : 4096;
  }
  return bytesPerPage;
}

import { readdirSync, readFileSync } from 'node:fs';
import { AiopipeError } from '@aiopipe/core';
import { native, Timer } from '@aiopipe/core/internal';

/**
 * Milliseconds. A child that has been a zombie for this time is an orphan. A child that this program has started is not: aiopipe or
 * `node:child_process` waits for it within a turn of the event loop.
 */
const GRACE = 1000;

/**
 * Removes zombies, as an init process does. Call it if your program is process 1 of a container.
 *
 * If a process ends, its children become children of process 1: orphans. If an orphan ends, it stays in the table of processes as a
 * zombie until process 1 waits for it. After this call, this process waits for each orphan, one to two seconds after the orphan's end.
 * The children that this program has started by aiopipe or by `node:child_process` keep their exit codes.
 *
 * After a child has ended, this process reads the list of its children in `/proc`, at most once a second. There is no other cost. A
 * program that is not process 1 has no orphans, unless it called prctl(PR_SET_CHILD_SUBREAPER).
 *
 * It needs Linux and the main thread. In a worker thread, or if `/proc` does not list children, it throws `ERR_AIOPIPE_UNSUPPORTED`.
 *
 * @returns an object. Dispose of it to stop waiting for orphans
 *
 * @example
 * ```ts
 * import { reapOrphans } from '@aiopipe/process';
 *
 * if (process.pid === 1) reapOrphans(); // this program is the first one of a container
 * ```
 */
export function reapOrphans(): Disposable {
  if (!process.getBuiltinModule('node:worker_threads').isMainThread)
    throw unsupported('a worker thread gets no signals: call it in the main thread');
  try {
    childrenOfThisProcess().next();
  } catch (cause) {
    throw unsupported('it reads /proc/self/task/*/children, which this system does not have', cause);
  }
  return new OrphanReaper();
}

function unsupported(why: string, cause?: unknown): AiopipeError {
  return new AiopipeError('ERR_AIOPIPE_UNSUPPORTED', `reapOrphans(): ${why}`, { cause });
}

class OrphanReaper implements Disposable {
  /** The zombies that the last check found. */
  #seen: ReadonlySet<string> = new Set();
  #timer: Timer | undefined;
  readonly #checkSoon = (): void => {
    this.#timer ??= new Timer(() => {
      this.#check();
    }, GRACE).unref();
  };

  constructor() {
    process.on('SIGCHLD', this.#checkSoon);
    // Orphans may have ended before this listener was there.
    this.#checkSoon();
  }

  #check(): void {
    this.#timer = undefined;
    const zombies = new Set<string>();
    for (const pid of childrenOfThisProcess()) {
      const zombie = asZombie(pid);
      if (zombie === undefined) continue;
      if (this.#seen.has(zombie)) native().reap(pid);
      else zombies.add(zombie);
    }
    this.#seen = zombies;
    if (zombies.size > 0) this.#checkSoon();
  }

  [Symbol.dispose](): void {
    process.off('SIGCHLD', this.#checkSoon);
    this.#timer?.cancel();
  }
}

/** Yields the pids of the children of all threads: each thread has its own list (proc_pid_task(5)). */
function* childrenOfThisProcess(): Generator<number, void, undefined> {
  for (const thread of readdirSync('/proc/self/task')) {
    for (const pid of readFileSync(`/proc/self/task/${thread}/children`, 'latin1').split(' '))
      if (pid !== '') yield Number(pid);
  }
}

/** Returns the pid and the start time of a zombie, which tell it from a later process with this pid; else undefined: proc_pid_stat(5). */
function asZombie(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'latin1');
    // The name may have spaces and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? `${String(pid)} ${String(fields[19])}` : undefined;
  } catch {
    return undefined;
  }
}

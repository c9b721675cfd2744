import { readdirSync, readFileSync } from 'node:fs';
import { AiopipeError } from '@aiopipe/core';
import { native, Timer } from '@aiopipe/core/internal';

/**
 * Milliseconds that a child must have been dead before it counts as an orphan. What this program has started is waited for by
 * whoever started it, within a turn of the event loop.
 */
const GRACE = 1000;

/**
 * Makes process 1 of a container do what an init does: wait for orphans. A process whose parent has ended becomes a child of
 * process 1, and stays in the table of processes as a zombie if nobody waits for it when it ends. From this call on, each of
 * them is waited for one to two seconds after its end. What this program has started itself, by aiopipe or by `node:child_process`,
 * keeps its exit code.
 *
 * It costs nothing but a look at the children of this process in `/proc`, at most once a second, when one has ended. A program
 * that is not process 1 has no orphans, unless it called prctl(PR_SET_CHILD_SUBREAPER).
 *
 * Linux only, in the main thread: throws `ERR_AIOPIPE_UNSUPPORTED` elsewhere, and where `/proc` does not list children.
 *
 * @returns what ends it when it is disposed of
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
    throw unsupported('a worker thread hears of no signal: call it in the main thread');
  try {
    childrenOfThisProcess();
  } catch (cause) {
    throw unsupported('it reads /proc/self/task/*/children, as Linux has it', cause);
  }
  return new OrphanReaper();
}

function unsupported(why: string, cause?: unknown): AiopipeError {
  return new AiopipeError('ERR_AIOPIPE_UNSUPPORTED', `reapOrphans(): ${why}`, { cause });
}

class OrphanReaper implements Disposable {
  /** The zombies of the last look. */
  #seen: ReadonlySet<string> = new Set();
  #timer: Timer | undefined;
  readonly #lookSoon = (): void => {
    this.#timer ??= new Timer(() => {
      this.#look();
    }, GRACE).unref();
  };

  constructor() {
    process.on('SIGCHLD', this.#lookSoon);
    // Some may have ended before.
    this.#lookSoon();
  }

  #look(): void {
    this.#timer = undefined;
    const zombies = new Set<string>();
    for (const pid of childrenOfThisProcess()) {
      const zombie = asZombie(pid);
      if (zombie === undefined) continue;
      if (this.#seen.has(zombie)) native().reap(pid);
      else zombies.add(zombie);
    }
    this.#seen = zombies;
    if (zombies.size > 0) this.#lookSoon();
  }

  [Symbol.dispose](): void {
    process.off('SIGCHLD', this.#lookSoon);
    this.#timer?.cancel();
  }
}

/** Each thread has children of its own: proc_pid_task(5). */
function* childrenOfThisProcess(): Generator<number, void, undefined> {
  for (const thread of readdirSync('/proc/self/task')) {
    for (const pid of readFileSync(`/proc/self/task/${thread}/children`, 'latin1').split(' '))
      if (pid !== '') yield Number(pid);
  }
}

/** Returns the pid and the start time of a process that has ended, and is not waited for; else undefined: proc_pid_stat(5). */
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

import { listPids, readCommand, readStat, startTime, type ProcessStat } from './stat.js';

/** A process below this one. */
export interface TreeProcess extends ProcessStat {
  readonly pid: number;
  /** The words that it was started with, as one line. */
  readonly command: string;
  /** As `Date.now()` counts. */
  readonly startedAt: number;
}

/** Reads between two pauses. One takes 10 to 20 microseconds. */
const SLICE = 64;

/** Milliseconds after which a pid that was a stranger's may be that of a new process of ours. */
const STRANGERS_FORGOTTEN = 3000;

/** What a core has for each process that starts others. It is no work of the program's. */
const GUARD = 'aiopipe-guard';

/**
 * The processes that this process has started, and those that they have started, however deep. A process stays in the tree if its
 * parent ends before it. Empty without `/proc`.
 */
export class ProcessTree {
  readonly #ours = new Map<number, TreeProcess>();
  /** Known not to be ours, so that their parent need not be read again. */
  readonly #strangers = new Set<number>();
  #updatedAt = -Infinity;

  get processes(): ReadonlyMap<number, TreeProcess> {
    return this.#ours;
  }

  /** Reads how all of them are now. Yields after each short piece of work: the caller may let the program go on. */
  *update(): Generator<void, void, undefined> {
    const pids = new Set(listPids());
    const time = performance.now();
    if (time - this.#updatedAt > STRANGERS_FORGOTTEN) this.#strangers.clear();
    this.#updatedAt = time;
    for (const pid of this.#strangers) if (!pids.has(pid)) this.#strangers.delete(pid);
    for (const pid of this.#ours.keys()) if (!pids.has(pid)) this.#ours.delete(pid);

    const fresh = new Map<number, ProcessStat>();
    let reads = 0;
    for (const pid of pids) {
      if (pid === process.pid || this.#strangers.has(pid)) continue;
      const known = this.#ours.get(pid);
      const stat = readStat(pid);
      if (stat === undefined) this.#ours.delete(pid);
      else if (known?.startedAtTick === stat.startedAtTick) this.#ours.set(pid, refreshed(known, stat));
      else fresh.set(pid, stat);
      if (++reads % SLICE === 0) yield;
    }
    this.#adopt(fresh);
  }

  #adopt(fresh: Map<number, ProcessStat>): void {
    const isOurs = (pid: number) => pid === process.pid || this.#ours.has(pid);
    let found: number;
    do {
      found = 0;
      for (const [pid, stat] of fresh) {
        if (!isOurs(stat.parent) || stat.name === GUARD) continue;
        fresh.delete(pid);
        this.#ours.set(pid, { ...stat, pid, command: readCommand(pid), startedAt: startTime(stat) });
        found++;
      }
    } while (found > 0);
    for (const pid of fresh.keys()) this.#strangers.add(pid);
  }

  /** Whether a process of the tree runs now. */
  isRunning(pid: number): boolean {
    const known = this.#ours.get(pid);
    return known !== undefined && readStat(pid)?.startedAtTick === known.startedAtTick;
  }
}

/** A process has another command after exec, and has none for a moment. */
function refreshed(known: TreeProcess, stat: ProcessStat): TreeProcess {
  const isSame = known.name === stat.name && known.command !== '';
  return { ...known, ...stat, command: isSame ? known.command : readCommand(known.pid) };
}

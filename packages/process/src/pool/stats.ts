import { RecentTimes, type Times } from './times.js';

/** What a pool has done and is doing. The counts are since its start. */
export interface PoolStats {
  /** How many there are now, by what they do. One that still is at a cancelled task is busy. */
  readonly workers: { readonly starting: number; readonly idle: number; readonly busy: number };
  /** Tasks that wait for a worker now. */
  readonly queued: number;
  /** Tasks that a worker is at now, and that somebody waits for. */
  readonly running: number;
  /** Tasks that resolved. */
  readonly completed: number;
  /** Tasks that rejected: by what they threw, or because their worker died. */
  readonly failed: number;
  /** Tasks whose caller stopped waiting: by a signal, a timeout, or by leaving a loop. */
  readonly cancelled: number;
  /** How often a task was given to another worker because one had died at it. */
  readonly retried: number;
  /** Workers that died though nobody wanted that. */
  readonly restarts: number;
  /** Workers that were replaced because of `maxTasks` or `maxRss`. */
  readonly recycled: number;
  /** Workers that were killed because they didn't stop at a cancelled task within `cancelGrace`. */
  readonly killed: number;
  /** Between the call and the start of a task, of the last 1024. */
  readonly waitTime: Times | undefined;
  /** Between the start and the end of a task, of the last 1024. */
  readonly runTime: Times | undefined;
}

/** The part of {@link PoolStats} that grows. */
export class PoolCounts {
  completed = 0;
  failed = 0;
  cancelled = 0;
  retried = 0;
  restarts = 0;
  recycled = 0;
  killed = 0;
  readonly waitTimes = new RecentTimes();
  readonly runTimes = new RecentTimes();
}

/** What the scheduler knows of one worker, as far as it counts here. */
interface Load {
  readonly isReady: boolean;
  readonly load: number;
  readonly task: { readonly isSettled: boolean } | undefined;
}

export function summarize(counts: PoolCounts, loads: Iterable<Load>, waiting: number): PoolStats {
  const workers = { starting: 0, idle: 0, busy: 0 };
  let running = 0;
  let queued = waiting;
  for (const { isReady, task, load } of loads) {
    // Tasks that were sent ahead wait, too.
    queued += Math.max(load - 1, 0);
    workers[!isReady ? 'starting' : task === undefined ? 'idle' : 'busy']++;
    if (task?.isSettled === false) running++;
  }
  const { waitTimes, runTimes, ...others } = counts;
  return { workers, queued, running, ...others, waitTime: waitTimes.summary, runTime: runTimes.summary };
}

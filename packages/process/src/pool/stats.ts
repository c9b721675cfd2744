import { RecentTimes, type Times } from './times.js';

/**
 * Counts of what a pool has done since its start, and is doing now.
 *
 * @example
 * ```ts
 * import { isChild, Pool, target } from '@aiopipe/process';
 *
 * export const square = target(import.meta.url, 'square', (n: number) => n * n);
 *
 * if (!isChild()) {
 *   await using pool = new Pool(square, { size: 1 });
 *   await pool.run(5);
 *   const { completed, failed, queued, waitTime } = pool.stats;
 *   console.log(completed, failed, queued, waitTime !== undefined && waitTime.median <= waitTime.p99);
 * }
 * ```
 * ```text
 * 1 0 0 true
 * ```
 */
export interface PoolStats {
  /** How many workers there are now, by what they do. A worker that still runs a cancelled task is busy. */
  readonly workers: { readonly starting: number; readonly idle: number; readonly busy: number };
  /** Tasks that wait for a worker now. */
  readonly queued: number;
  /** Tasks that run now, and whose callers wait. */
  readonly running: number;
  /** Tasks that resolved. */
  readonly completed: number;
  /** Tasks that rejected: because they threw, or because their worker died. */
  readonly failed: number;
  /** Tasks whose caller stopped waiting: by a signal, a timeout, or by leaving a loop. */
  readonly cancelled: number;
  /** How often a task was given to another worker because its worker had died. */
  readonly retried: number;
  /** Workers that died, and were not asked to end. */
  readonly restarts: number;
  /** Workers that were replaced because of `maxTasks` or `maxRss`. */
  readonly recycled: number;
  /** Workers that were killed because they did not end a cancelled task within `cancelGrace`. */
  readonly killed: number;
  /** Time between the call and the start of a task, of the last 1024 tasks. */
  readonly waitTime: Times | undefined;
  /** Time between the start and the end of a task, of the last 1024 tasks. */
  readonly runTime: Times | undefined;
}

/** The counts of {@link PoolStats} that grow. */
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

/** The figures of one worker that count here. */
interface Load {
  readonly isReady: boolean;
  readonly load: number;
  readonly task: { readonly isSettled: boolean } | undefined;
}

/** Returns the statistics of a pool. `waiting` is the length of its queue. */
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

import { type ClusterPoolStats, type StatsOptions } from './stats.js';

/**
 * The part of a cluster's pool that monitors look at: all calls of one target from this process.
 *
 * @see the example of {@link ClusterMessage}
 */
export interface ObservedClusterPool {
  /** The name that machines serve the target under. */
  readonly target: string;
  readonly version: string;
  /** What became of the calls. */
  readonly counts: ClusterPoolCounts;
  /** As `stats()` of the pool: asks the server and all machines. */
  stats(options?: StatsOptions): Promise<ClusterPoolStats>;
}

/**
 * What became of the tasks of one target that this process has called.
 *
 * @see the example of {@link ClusterMessage}
 */
export interface ClusterPoolCounts {
  /** Tasks whose callers wait now. */
  readonly outstanding: number;
  /** Tasks that resolved. */
  readonly completed: number;
  /** Tasks that rejected: because they threw, or because no retry was left. */
  readonly failed: number;
  /** Tasks whose caller stopped waiting: by a signal, a timeout, or by leaving a loop. */
  readonly cancelled: number;
  /** How often a task was delivered again before it was answered. */
  readonly retried: number;
}

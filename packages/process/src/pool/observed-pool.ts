import { type PoolEvent } from './events.js';
import { type PoolStats } from './stats.js';
import { type WorkerInfo } from './worker-info.js';

/** The part of a pool that monitors look at. */
export interface ObservedPool {
  readonly title: string;
  readonly stats: PoolStats;
  readonly workers: readonly WorkerInfo[];
}

/** The message of the channels `aiopipe:pool.open` and `aiopipe:pool.close`: a pool was made; all of its workers have ended. */
export interface PoolMessage {
  readonly pool: ObservedPool;
}

/** The message of the channel `aiopipe:pool.event`. */
export interface PoolEventMessage extends PoolMessage {
  readonly event: PoolEvent;
}

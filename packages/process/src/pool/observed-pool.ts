import { type PoolEvent } from './events.js';
import { type PoolStats } from './stats.js';
import { type WorkerInfo } from './worker-info.js';

/**
 * The part of a pool that monitors look at.
 *
 * @see the example of {@link PoolMessage}
 */
export interface ObservedPool {
  readonly title: string;
  readonly stats: PoolStats;
  readonly workers: readonly WorkerInfo[];
}

/**
 * The message of the channels `aiopipe:pool.open` and `aiopipe:pool.close`: a pool was made; all of its workers have ended.
 *
 * @example
 * ```ts
 * import { subscribe } from 'node:diagnostics_channel';
 * import { isChild, Pool, target, type PoolMessage } from '@aiopipe/process';
 *
 * export const square = target(import.meta.url, 'square', (n: number) => n * n);
 *
 * subscribe('aiopipe:pool.close', (message) => {
 *   const { pool } = message as PoolMessage;
 *   console.log(pool.title, pool.stats.completed);
 * });
 * if (!isChild()) {
 *   await using pool = new Pool(square, { size: 1 });
 *   await pool.run(5);
 * }
 * ```
 * ```text
 * the pool of square 1
 * ```
 */
export interface PoolMessage {
  readonly pool: ObservedPool;
}

/**
 * The message of the channel `aiopipe:pool.event`.
 *
 * @example
 * ```ts
 * import { subscribe } from 'node:diagnostics_channel';
 * import { isChild, Pool, target, type PoolEventMessage } from '@aiopipe/process';
 *
 * export const square = target(import.meta.url, 'square', (n: number) => n * n);
 *
 * subscribe('aiopipe:pool.event', (message) => {
 *   const { pool, event } = message as PoolEventMessage;
 *   console.log(pool.title, event.type);
 * });
 * if (!isChild()) {
 *   const pool = new Pool(square, { size: 1 });
 *   await pool.run(5);
 *   await pool.close();
 * }
 * ```
 * ```text
 * the pool of square worker-started
 * the pool of square worker-ended
 * ```
 */
export interface PoolEventMessage extends PoolMessage {
  readonly event: PoolEvent;
}

import { ClosedError, type WaitOptions } from '@aiopipe/core';
import { checkMayStart } from '@aiopipe/core/internal';
import { PoolCalls } from './calls.js';
import { readPoolOptions, type PoolOptions } from './options.js';
import { Scheduler } from './scheduler.js';
import { type PoolStats } from './stats.js';
import { refuseRecursion } from '../target/role.js';
import { isTarget, type Target } from '../target/target.js';

/**
 * Child processes that run tasks: calls of one target. Each child runs one task at a time. A child that dies is replaced. Its
 * task rejects with ChildError, or is given to another child as often as `retries` says. No other task is touched.
 *
 * ```ts
 * await using pool = new Pool(hash, { size: 4 });
 * for await (const digest of pool.map(files)) console.log(digest);
 * ```
 */
export class Pool<Args extends readonly unknown[], Result> extends PoolCalls<Args, Result> implements AsyncDisposable {
  readonly #scheduler: Scheduler;

  /** Starts the children. Throws TypeError if an option is wrong. */
  constructor(target: Target<Args, Result>, options: PoolOptions = {}) {
    if (!isTarget(target)) throw new TypeError('expected a target() first');
    refuseRecursion(target.url);
    checkMayStart(process.execPath);
    const settings = readPoolOptions(options);
    const scheduler = new Scheduler(target, settings);
    super(scheduler, { retries: settings.retries });
    this.#scheduler = scheduler;
  }

  /** Counts of what the pool has done and is doing. */
  get stats(): PoolStats {
    return this.#scheduler.stats;
  }

  /** Resolves when the queue has room for one more task, at once if it has. Rejects with ClosedError if the pool is closed. */
  drain(options?: WaitOptions): Promise<void> {
    return this.#scheduler.admission.room(options);
  }

  /** Takes no more tasks, waits until all tasks are done, and ends the children. */
  close(): Promise<void> {
    return this.#scheduler.close();
  }

  /** Ends the children at once. Tasks that are not done reject with ClosedError. */
  async [Symbol.asyncDispose](): Promise<void> {
    const message = `the pool of ${this.#scheduler.name} was closed before this task was done`;
    await this.#scheduler.end(() => new ClosedError(message));
  }
}

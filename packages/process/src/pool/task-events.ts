import { type TracedMessage } from '@aiopipe/core';
import { Traced, wallClock } from '@aiopipe/core/internal';
import { type TaskSettings } from './task-settings.js';

/**
 * One worker's try at a task. Times are those of `Date.now()`.
 *
 * @see the example of {@link PoolTask}
 */
export interface TaskAttempt {
  /** The worker's name. */
  readonly worker: string;
  readonly pid: number | undefined;
  readonly startedAt: number;
  /** Undefined while the worker is at it. */
  endedAt?: number;
  /** How the worker ended, if it was lost with the task. */
  error?: Error;
}

/**
 * The message of the TracingChannel `aiopipe:pool.task`: a task from its call (`start`) until its caller knows the outcome
 * (`asyncEnd`, and `error` before that if it failed or was cancelled).
 *
 * @example
 * ```ts
 * import { channel } from 'node:diagnostics_channel';
 * import { isChild, Pool, target, type PoolTask } from '@aiopipe/process';
 *
 * export const square = target(import.meta.url, 'square', (n: number) => n * n);
 *
 * channel('tracing:aiopipe:pool.task:asyncEnd').subscribe((message) => {
 *   const { target, attempts, error } = message as PoolTask;
 *   for (const { worker } of attempts) console.log(target, worker, error ?? 'done');
 * });
 * if (!isChild()) {
 *   await using pool = new Pool(square, { size: 1 });
 *   await pool.run(5);
 * }
 * ```
 * ```text
 * square square-1 done
 * ```
 */
export interface PoolTask extends TracedMessage {
  /** The pool, as its messages name it. */
  readonly pool: string;
  /** The name of the target. */
  readonly target: string;
  readonly kind: 'run' | 'stream';
  readonly priority: number;
  readonly key: string | number | undefined;
  /** When it was called, as `Date.now()` counts. */
  readonly calledAt: number;
  /** Empty while the task waits. More than one if a worker was lost, and the task was retried. */
  readonly attempts: readonly TaskAttempt[];
}

export const poolTask = new Traced<PoolTask>('aiopipe:pool.task');

/** The events of one task. */
export class TaskTrace {
  readonly message: PoolTask;
  readonly #attempts: TaskAttempt[] = [];

  constructor(pool: string, target: string, kind: PoolTask['kind'], { priority, key }: TaskSettings) {
    this.message = { pool, target, kind, priority, key, calledAt: wallClock(), attempts: this.#attempts };
  }

  /** A worker comes to the task. */
  began({ name, pid }: { readonly name: string; readonly pid: number | undefined }): void {
    this.#attempts.push({ worker: name, pid, startedAt: wallClock() });
  }

  /** The worker had not begun it after all, and another one gets it. */
  wasTakenBack(): void {
    if (this.#attempts.at(-1)?.endedAt === undefined) this.#attempts.pop();
  }

  /** The worker was lost, and another one gets the task. */
  wasLost(error: Error): void {
    this.#endAttempt(error);
  }

  succeeded(): void {
    this.#endAttempt();
    poolTask.succeed(this.message);
  }

  failed(error: unknown): void {
    this.#endAttempt();
    poolTask.fail(this.message, error);
  }

  #endAttempt(error?: Error): void {
    const attempt = this.#attempts.at(-1);
    if (attempt === undefined || attempt.endedAt !== undefined) return;
    attempt.endedAt = wallClock();
    if (error !== undefined) attempt.error = error;
  }
}

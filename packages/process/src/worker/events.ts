import { type TracedMessage } from '@aiopipe/core';
import { Traced } from '@aiopipe/core/internal';

/**
 * The message of the TracingChannel `aiopipe:worker.task`: a worker of a pool runs a task. Published in the worker.
 *
 * @example
 * ```ts
 * import { channel } from 'node:diagnostics_channel';
 * import { isChild, Pool, target, type WorkerTask } from '@aiopipe/process';
 *
 * export const square = target(import.meta.url, 'square', (n: number) => n * n);
 *
 * channel('tracing:aiopipe:worker.task:start').subscribe((message) => {
 *   const { target, kind } = message as WorkerTask;
 *   console.log('the worker runs', target, kind);
 * });
 * if (!isChild()) {
 *   await using pool = new Pool(square, { size: 1 });
 *   await pool.run(5);
 * }
 * ```
 * ```text
 * the worker runs square run
 * ```
 */
export interface WorkerTask extends TracedMessage {
  /** The name of the target. */
  readonly target: string;
  readonly kind: 'run' | 'stream';
}

export const workerTask = new Traced<WorkerTask>('aiopipe:worker.task');

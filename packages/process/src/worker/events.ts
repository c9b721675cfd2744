import { type TracedMessage } from '@aiopipe/core';
import { Traced } from '@aiopipe/core/internal';

/** The message of the TracingChannel `aiopipe:worker.task`: a worker of a pool runs a task. Published in the worker. */
export interface WorkerTask extends TracedMessage {
  /** The name of the target. */
  readonly target: string;
  readonly kind: 'run' | 'stream';
}

export const workerTask = new Traced<WorkerTask>('aiopipe:worker.task');

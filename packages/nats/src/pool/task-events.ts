import { type TracedMessage } from '@aiopipe/core';
import { Traced, wallClock } from '@aiopipe/core/internal';
import { type TaskKind } from '../task/answers.js';
import { type TaskSettings } from './options.js';
import { type Answered } from './outcome.js';

/**
 * The message of the TracingChannel `aiopipe:cluster.task`: a task from its call (`start`) until its caller knows the outcome
 * (`asyncEnd`, and `error` before that if it failed or was cancelled). Published in the process that calls.
 */
export interface ClusterTask extends TracedMessage {
  /** The name of the cluster. */
  readonly cluster: string;
  /** The name that machines serve the target under. */
  readonly target: string;
  readonly version: string;
  readonly kind: 'run' | 'stream';
  readonly retries: number;
  readonly priority: number;
  readonly key: string | number | undefined;
  /** When it was called, as `Date.now()` counts. */
  readonly calledAt: number;
  /** Names the task in the events of machines; undefined while its arguments are not encoded. */
  id: string | undefined;
  /** The machine that has answered; undefined if none has. */
  machine: string | undefined;
  /** How often the task had been delivered to a machine when it was answered; undefined if it was not. */
  attempts: number | undefined;
}

export const clusterTask = new Traced<ClusterTask>('aiopipe:cluster.task');

/** The events of one task. */
export class TaskTrace {
  readonly message: ClusterTask;

  constructor(place: { cluster: string; target: string; version: string }, kind: TaskKind, settings: TaskSettings) {
    const { cluster, target, version } = place;
    const { retries, priority, key } = settings;
    const sent = { id: undefined, machine: undefined, attempts: undefined };
    this.message = { cluster, target, version, kind, retries, priority, key, calledAt: wallClock(), ...sent };
  }

  /** The caller knows the result. */
  succeeded(answered: Answered): void {
    clusterTask.succeed(Object.assign(this.message, answered));
  }

  failed(error: unknown, answered: Answered): void {
    clusterTask.fail(Object.assign(this.message, answered), error);
  }
}

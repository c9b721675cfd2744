import { type TracedMessage } from '@aiopipe/core';
import { Traced, wallClock } from '@aiopipe/core/internal';
import { type TaskKind } from '../task/answers.js';
import { type TaskSettings } from './options.js';
import { type Answered } from './outcome.js';

/**
 * The message of the TracingChannel `aiopipe:cluster.task`: a task from its call (`start`) until its caller knows the outcome
 * (`asyncEnd`, and `error` before that if it failed or was cancelled). Published in the process that calls.
 *
 * @example
 * ```ts
 * import { channel } from 'node:diagnostics_channel';
 * import { Cluster, type ClusterTask, type MachineTask } from '@aiopipe/nats';
 * import { isChild, target } from '@aiopipe/process';
 * import { connect } from '@nats-io/transport-node';
 *
 * export const half = target(import.meta.url, 'half', (n: number) => n / 2);
 * channel('tracing:aiopipe:machine.task:start').subscribe((message) => {
 *   const { target, attempt } = message as MachineTask;
 *   console.log('the machine runs', target, attempt);
 * });
 * channel('tracing:aiopipe:cluster.task:asyncEnd').subscribe((message) => {
 *   const { target, machine, attempts } = message as ClusterTask;
 *   console.log('the caller has it', target, machine, attempts);
 * });
 *
 * if (!isChild()) {
 *   const nc = await connect({ servers: 'nats://127.0.0.1:4222' });
 *   const cluster = await Cluster.open(nc, { name: 'traced' });
 *   await cluster.serve({ half }, { size: 1, name: 'attic' });
 *   await cluster.pool<typeof half>('half').run(9);
 *   await cluster[Symbol.asyncDispose]();
 *   await nc.close();
 * }
 * ```
 * ```text
 * the machine runs half 1
 * the caller has it half attic 1
 * ```
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

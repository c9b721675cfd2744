import { type PoolStats } from '@aiopipe/process';
import { type MachineCounts } from './counts.js';
import { type MachineEvent } from './events.js';

/**
 * The part of a machine that monitors look at.
 *
 * @see the example of {@link MachineMessage}
 */
export interface ObservedMachine {
  readonly name: string;
  /** The name of its cluster. */
  readonly cluster: string;
  /** The names of the targets that it serves. */
  readonly targets: readonly string[];
  /** The version of these targets. */
  readonly version: string;
  /** Milliseconds without a sign of life of it after which its tasks are delivered to others. */
  readonly lease: number;
  /** Whether it takes no more tasks: it is closing, or its local pool gave up. */
  readonly isDraining: boolean;
  /** Tasks that it has taken, and whose workers are not free again. */
  readonly running: number;
  /** What became of the tasks that it has taken. */
  readonly counts: MachineCounts;
  /** Counts of its local pool. */
  readonly stats: PoolStats;
}

/**
 * The message of the channels `aiopipe:machine.open` and `aiopipe:machine.close`: a machine takes tasks; it takes none any more, and
 * its workers have ended.
 *
 * @example
 * ```ts
 * import { subscribe } from 'node:diagnostics_channel';
 * import { Cluster, type MachineMessage } from '@aiopipe/nats';
 * import { isChild, target } from '@aiopipe/process';
 * import { connect } from '@nats-io/transport-node';
 *
 * export const work = target(import.meta.url, 'work', () => {});
 * subscribe('aiopipe:machine.open', (message) => {
 *   const { machine } = message as MachineMessage;
 *   console.log(machine.name, machine.targets);
 * });
 *
 * if (!isChild()) {
 *   const nc = await connect({ servers: 'nats://127.0.0.1:4222' });
 *   const cluster = await Cluster.open(nc, { name: 'watched' });
 *   await cluster.serve({ work }, { size: 1, name: 'attic' });
 *   await cluster[Symbol.asyncDispose]();
 *   await nc.close();
 * }
 * ```
 * ```text
 * attic [ 'work' ]
 * ```
 */
export interface MachineMessage {
  readonly machine: ObservedMachine;
}

/**
 * The message of the channel `aiopipe:machine.event`.
 *
 * @see the example of {@link MachineMessage}
 */
export interface MachineEventMessage extends MachineMessage {
  readonly event: MachineEvent;
}

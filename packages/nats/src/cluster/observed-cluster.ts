import { type ObservedClusterPool } from '../pool/observed-pool.js';
import { type ObservedMachine } from '../serve/observed-machine.js';

/**
 * The part of a cluster that monitors look at: what this process has of it.
 *
 * @see the example of {@link ClusterMessage}
 */
export interface ObservedCluster {
  readonly name: string;
  /** The machines of this process that are not closed. */
  readonly machines: readonly ObservedMachine[];
  /** The targets that this process calls. */
  readonly pools: readonly ObservedClusterPool[];
}

/**
 * The message of the channels `aiopipe:cluster.open` and `aiopipe:cluster.close`: a cluster was opened; it was closed.
 *
 * @example
 * ```ts
 * import { subscribe } from 'node:diagnostics_channel';
 * import { Cluster, type ClusterMessage } from '@aiopipe/nats';
 * import { isChild, target } from '@aiopipe/process';
 * import { connect } from '@nats-io/transport-node';
 *
 * export const half = target(import.meta.url, 'half', (n: number) => n / 2);
 * subscribe('aiopipe:cluster.close', (message) => {
 *   const { cluster } = message as ClusterMessage;
 *   for (const { target, counts } of cluster.pools) console.log(target, counts.completed);
 * });
 *
 * if (!isChild()) {
 *   const nc = await connect({ servers: 'nats://127.0.0.1:4222' });
 *   const cluster = await Cluster.open(nc, { name: 'counted' });
 *   const machine = await cluster.serve({ half }, { size: 1 });
 *   await cluster.pool<typeof half>('half').run(8);
 *   await machine[Symbol.asyncDispose]();
 *   console.log(machine.counts.completed);
 *   await cluster[Symbol.asyncDispose]();
 *   await nc.close();
 * }
 * ```
 * ```text
 * 1
 * half 1
 * ```
 */
export interface ClusterMessage {
  readonly cluster: ObservedCluster;
}

import { AiopipeError } from '@aiopipe/core';
import { nameErrors } from '@aiopipe/core/internal';

/**
 * The `code` of a {@link ClusterError}.
 *
 * @see the example of {@link ClusterError}
 */
export type ClusterErrorCode = 'ERR_AIOPIPE_CLUSTER' | 'ERR_AIOPIPE_CLUSTER_CONFIG';

/**
 * NATS refused a call. Its `code` tells why:
 *
 * - `ERR_AIOPIPE_CLUSTER_CONFIG`: the cluster, the channel or the tasks of a target exist already, with other options.
 * - `ERR_AIOPIPE_CLUSTER`: the server refused the call; `cause` is the error of the NATS client.
 *
 * @example
 * ```ts
 * import { Cluster, ClusterError } from '@aiopipe/nats';
 * import { connect } from '@nats-io/transport-node';
 *
 * const nc = await connect({ servers: 'nats://127.0.0.1:4222' });
 * const cluster = await Cluster.open(nc, { name: 'settings' });
 * try {
 *   await Cluster.open(nc, { name: 'settings', storage: 'memory' });
 * } catch (error) {
 *   if (!(error instanceof ClusterError)) throw error;
 *   console.log(error.code);
 * }
 * await cluster[Symbol.asyncDispose]();
 * await nc.close();
 * ```
 * ```text
 * ERR_AIOPIPE_CLUSTER_CONFIG
 * ```
 */
export class ClusterError extends AiopipeError {
  declare readonly code: ClusterErrorCode;

  static {
    nameErrors(this);
  }
}

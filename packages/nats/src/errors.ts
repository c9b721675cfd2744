import { AiopipeError } from '@aiopipe/core';
import { nameErrors } from '@aiopipe/core/internal';

/** The `code` of a {@link ClusterError}. */
export type ClusterErrorCode = 'ERR_AIOPIPE_CLUSTER' | 'ERR_AIOPIPE_CLUSTER_CONFIG';

/**
 * NATS refused a call. Its `code` tells why:
 *
 * - `ERR_AIOPIPE_CLUSTER_CONFIG`: the cluster, the channel or the tasks of a target exist already, with other settings.
 * - `ERR_AIOPIPE_CLUSTER`: the server refused the call; `cause` is the error of the NATS client.
 */
export class ClusterError extends AiopipeError {
  declare readonly code: ClusterErrorCode;

  static {
    nameErrors(this);
  }
}

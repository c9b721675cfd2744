import { type ObservedClusterPool } from '../pool/observed-pool.js';
import { type ObservedMachine } from '../serve/observed-machine.js';

/** The part of a cluster that monitors look at: what this process has of it. */
export interface ObservedCluster {
  readonly name: string;
  /** The machines of this process that are not closed. */
  readonly machines: readonly ObservedMachine[];
  /** The targets that this process calls. */
  readonly pools: readonly ObservedClusterPool[];
}

/** The message of the channels `aiopipe:cluster.open` and `aiopipe:cluster.close`: a cluster was opened; it was closed. */
export interface ClusterMessage {
  readonly cluster: ObservedCluster;
}

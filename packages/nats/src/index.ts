/**
 * The same channels and process pools over many machines, on NATS with JetStream.
 *
 * @module @aiopipe/nats
 */

export { Cluster, type ArgsOf, type ResultOf } from './cluster/cluster.js';
export { type ClusterMessage, type ObservedCluster } from './cluster/observed-cluster.js';
export { type ClusterOptions } from './cluster/options.js';
export { ClusterWriter, type EndOptions, type PutOptions } from './channel/writer.js';
export { ClusterReader } from './channel/reader.js';
export { Delivered } from './channel/delivered.js';
export { merge } from './channel/merge.js';
export { type ClusterChannelOptions, type ClusterReaderOptions, type ClusterWriterOptions } from './channel/options.js';
export { ClusterPool } from './pool/cluster-pool.js';
export { type ClusterPoolCounts, type ObservedClusterPool } from './pool/observed-pool.js';
export { type ClusterMapOptions, type ClusterPoolOptions, type ClusterTaskOptions } from './pool/options.js';
export { type ClusterPoolStats, type MachineStats, type StatsOptions } from './pool/stats.js';
export { type ClusterTask } from './pool/task-events.js';
export { type MachineCounts } from './serve/counts.js';
export { Machine, type MachineCloseOptions } from './serve/machine.js';
export {
  type MachineEvent,
  type MachineEventFields,
  type MachineEvents,
  type MachineGaveUp,
  type ResultLost,
  type TaskDead,
  type TaskLeft,
  type TaskRetried,
} from './serve/events.js';
export { type MachineEventMessage, type MachineMessage, type ObservedMachine } from './serve/observed-machine.js';
export { type MachineTask } from './serve/task-events.js';
export { type ServedTargets, type ServeOptions } from './serve/options.js';
export { type DeadTask } from './task/answers.js';
export { ClusterError, type ClusterErrorCode } from './errors.js';

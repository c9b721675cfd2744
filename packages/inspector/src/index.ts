/**
 * A live page of a running program: its processes, pools, channels, chains and clusters.
 *
 * @module @aiopipe/inspector
 */

// Serves the page if `--import` named this module.
import './preloaded.js';

export { servePage, type InspectorPage, type ServePageOptions } from './server/serve-page.js';
export { snapshot } from './snapshot/snapshot.js';
export {
  type AnsweringMachineSnapshot,
  type ChainSnapshot,
  type ChannelSnapshot,
  type ClusterPoolSnapshot,
  type ClusterSnapshot,
  type MachineSnapshot,
  type PoolSnapshot,
  type ProcessSnapshot,
  type ProgramSnapshot,
  type Snapshot,
  type StageSnapshot,
  type SupervisedSnapshot,
  type SupervisorSnapshot,
  type WorkerSnapshot,
} from './snapshot/types.js';

import { ProcessTree } from '../proc/tree.js';
import { watched } from '../watch/watched.js';
import { snapshotChains } from './chains.js';
import { snapshotChannels } from './channels.js';
import { snapshotPools } from './pools.js';
import { snapshotClusters } from './clusters.js';
import { snapshotProcesses, snapshotProgram } from './processes.js';
import { snapshotSupervisors } from './supervisors.js';
import { type Snapshot } from './types.js';

const tree = new ProcessTree();

/**
 * Returns what there is now: processes, supervisors, pools, channels, chains and clusters that were opened after this module was loaded. It
 * reads `/proc` for what each process uses, which takes about 20 microseconds a process.
 *
 * @example
 * ```ts
 * import { channel } from '@aiopipe/codec';
 * import { snapshot } from '@aiopipe/inspector';
 *
 * using pair = channel<string>();
 * await pair[1].put('hello');
 * for (const { messagesSent, bytesWaiting } of snapshot().channels) console.log(messagesSent, bytesWaiting);
 * ```
 * ```text
 * 0 0
 * 1 0
 * ```
 */
export function snapshot(): Snapshot {
  for (const _ of tree.update());
  return takeSnapshot(tree);
}

/** Returns what there is now, with the processes as the tree has seen them last. */
export function takeSnapshot({ processes }: ProcessTree): Snapshot {
  const time = Date.now();
  return {
    time,
    program: snapshotProgram(time),
    processes: snapshotProcesses(watched.processes.running, processes),
    supervisors: snapshotSupervisors(watched.supervisors.list),
    pools: snapshotPools(watched.pools.list, time),
    channels: snapshotChannels(watched.channels.list),
    chains: snapshotChains(watched.chains.running),
    clusters: snapshotClusters(watched.clusters.list),
  };
}

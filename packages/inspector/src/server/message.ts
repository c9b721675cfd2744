import { withCutTexts } from '../log/cut.js';
import { type LoggedEvent } from '../log/event-log.js';
import {
  type ClusterSnapshot,
  type Snapshot,
  type SupervisedSnapshot,
  type SupervisorSnapshot,
} from '../snapshot/types.js';

/** The data of each server-sent event. */
export interface PageMessage {
  readonly snapshot: Snapshot;
  /** How many entries of each list were left out, if there are very many. */
  readonly leftOut: Readonly<Record<ListName, number>>;
  /** What has happened since the last message, the oldest first. */
  readonly events: readonly LoggedEvent[];
  /** Whether the page may end processes. */
  readonly canKill: boolean;
  /** What the program says of itself; empty if it says nothing. */
  readonly status: string;
}

export type ListName =
  | 'processes'
  | 'supervisors'
  | 'supervised'
  | 'pools'
  | 'channels'
  | 'chains'
  | 'clusters'
  | 'machines'
  | 'clusterPools'
  | 'targets';

/**
 * How many entries of each list a message has at most: about half a megabyte. `supervised` are the children of all supervisors, nested
 * ones too. `machines`, those that answer too, `clusterPools` and `targets` of machines are those of all clusters.
 */
const MOST: Readonly<Record<ListName, number>> = {
  processes: 2000,
  supervisors: 100,
  supervised: 2000,
  pools: 100,
  channels: 500,
  chains: 100,
  clusters: 20,
  machines: 500,
  clusterPools: 500,
  targets: 1000,
};

/** Returns a snapshot with lists and texts of bounded length, and how many entries were left out. */
export function bounded(snapshot: Snapshot): Pick<PageMessage, 'snapshot' | 'leftOut'> {
  const { processes, pools, channels, chains, clusters } = snapshot;
  const supervisors = snapshot.supervisors.slice(0, MOST.supervisors);
  const children = new ChildrenOfSupervisors(MOST.supervised);
  const members = new MembersOfClusters();
  return {
    snapshot: withCutTexts({
      ...snapshot,
      processes: processes.slice(0, MOST.processes),
      supervisors: supervisors.map((supervisor) => children.bound(supervisor)),
      pools: pools.slice(0, MOST.pools),
      // The newest ones.
      channels: channels.slice(-MOST.channels),
      chains: chains.slice(-MOST.chains),
      clusters: clusters.slice(0, MOST.clusters).map((cluster) => members.bound(cluster)),
    }),
    leftOut: {
      processes: Math.max(processes.length - MOST.processes, 0),
      supervisors: snapshot.supervisors.length - supervisors.length,
      supervised: children.leftOut,
      pools: Math.max(pools.length - MOST.pools, 0),
      channels: Math.max(channels.length - MOST.channels, 0),
      chains: Math.max(chains.length - MOST.chains, 0),
      clusters: Math.max(clusters.length - MOST.clusters, 0),
      ...members.leftOut,
    },
  };
}

/** Takes the first children of supervisors, in the order of the page, and counts those that it leaves out. */
class ChildrenOfSupervisors {
  #room: number;
  /** Without the children of supervisors that were left out. */
  leftOut = 0;

  constructor(most: number) {
    this.#room = most;
  }

  bound(supervisor: SupervisorSnapshot): SupervisorSnapshot {
    const children: SupervisedSnapshot[] = [];
    for (const child of supervisor.children) {
      if (this.#room === 0) break;
      this.#room--;
      children.push(child.supervisor === undefined ? child : { ...child, supervisor: this.bound(child.supervisor) });
    }
    this.leftOut += supervisor.children.length - children.length;
    return { ...supervisor, children };
  }
}

/** Takes entries until there are as many as a message may have, and counts those that it leaves out. */
class Room {
  #left: number;
  leftOut = 0;

  constructor(most: number) {
    this.#left = most;
  }

  take<Entry>(entries: readonly Entry[]): readonly Entry[] {
    const taken = entries.slice(0, this.#left);
    this.#left -= taken.length;
    this.leftOut += entries.length - taken.length;
    return taken;
  }
}

/** Takes the first machines and pools of clusters. */
class MembersOfClusters {
  readonly #machines = new Room(MOST.machines);
  readonly #pools = new Room(MOST.clusterPools);
  readonly #targets = new Room(MOST.targets);

  /** Without those of clusters that were left out. */
  get leftOut() {
    return {
      machines: this.#machines.leftOut,
      clusterPools: this.#pools.leftOut,
      targets: this.#targets.leftOut,
    };
  }

  bound(cluster: ClusterSnapshot): ClusterSnapshot {
    const withTargets = <Machine extends { readonly targets: readonly string[] }>(machine: Machine): Machine => ({
      ...machine,
      targets: this.#targets.take(machine.targets),
    });
    return {
      ...cluster,
      machines: this.#machines.take(cluster.machines).map(withTargets),
      pools: this.#pools.take(cluster.pools),
      answering: this.#machines.take(cluster.answering).map(withTargets),
    };
  }
}

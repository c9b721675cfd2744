import { withCutTexts } from '../log/cut.js';
import { type LoggedEvent } from '../log/event-log.js';
import { type Snapshot, type SupervisedSnapshot, type SupervisorSnapshot } from '../snapshot/types.js';

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

export type ListName = 'processes' | 'supervisors' | 'supervised' | 'pools' | 'channels' | 'chains';

/**
 * How many entries of each list a message has at most: about half a megabyte. `supervised` are the children of all supervisors, nested
 * ones too.
 */
const MOST: Readonly<Record<ListName, number>> = {
  processes: 2000,
  supervisors: 100,
  supervised: 2000,
  pools: 100,
  channels: 500,
  chains: 100,
};

/** Returns a snapshot with lists and texts of bounded length, and how many entries were left out. */
export function bounded(snapshot: Snapshot): Pick<PageMessage, 'snapshot' | 'leftOut'> {
  const { processes, pools, channels, chains } = snapshot;
  const supervisors = snapshot.supervisors.slice(0, MOST.supervisors);
  const children = new ChildrenOfSupervisors(MOST.supervised);
  return {
    snapshot: withCutTexts({
      ...snapshot,
      processes: processes.slice(0, MOST.processes),
      supervisors: supervisors.map((supervisor) => children.bound(supervisor)),
      pools: pools.slice(0, MOST.pools),
      // The newest ones.
      channels: channels.slice(-MOST.channels),
      chains: chains.slice(-MOST.chains),
    }),
    leftOut: {
      processes: Math.max(processes.length - MOST.processes, 0),
      supervisors: snapshot.supervisors.length - supervisors.length,
      supervised: children.leftOut,
      pools: Math.max(pools.length - MOST.pools, 0),
      channels: Math.max(channels.length - MOST.channels, 0),
      chains: Math.max(chains.length - MOST.chains, 0),
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

import type {
  ClusterMessage,
  ClusterPoolStats,
  MachineEvent,
  MachineEventMessage,
  MachineMessage,
  MachineStats,
  ObservedCluster,
  ObservedClusterPool,
  ObservedMachine,
} from '@aiopipe/nats';
import { type EventLog } from '../log/event-log.js';
import { messageOf } from '../log/words.js';
import { hear } from './subscribe.js';
import { WeakList } from './weak-list.js';

/** Milliseconds between two questions to the machines of a cluster: each is a message to all of them. */
const INTERVAL = 5000;
/** Milliseconds after which an answer is no longer shown: the connection may be lost. */
const FRESH = 15_000;
/** Pools of one cluster that are asked about at once. */
const MOST_POOLS = 100;
/** Machines of one cluster that are kept. */
const MOST_MACHINES = 1000;
/** Targets of a machine that were told to be left to others: each is told once. */
const MOST_LEFT = 100;

/** What the server has said about the tasks of one target. */
export type PoolAnswer = Pick<ClusterPoolStats, 'queued' | 'running' | 'redelivered'>;

/** A machine that has answered. */
export interface AnsweringMachine extends MachineStats {
  /** When it was heard last, for each target. */
  readonly targets: Map<ObservedClusterPool, number>;
}

/** What is noted about a cluster. */
export interface ClusterNotes {
  readonly number: number;
  readonly startedAt: number;
  readonly answers: Map<ObservedClusterPool, { readonly time: number; readonly answer: PoolAnswer }>;
  /** By name. A machine that was too busy to answer once is still there. */
  readonly machines: Map<string, AnsweringMachine>;
  askedAt: number;
  isAsking: boolean;
}

/** The clusters that this process has opened. */
export class Clusters {
  readonly list = new WeakList<ObservedCluster, ClusterNotes>();
  readonly #log: EventLog;
  readonly #left = new WeakMap<ObservedMachine, Set<string>>();

  constructor(log: EventLog) {
    this.#log = log;
    hear<ClusterMessage>('aiopipe:cluster.open', ({ cluster }) => {
      this.list.add(cluster, (number) => {
        const heard = { answers: new Map(), machines: new Map() };
        return { number, startedAt: Date.now(), ...heard, askedAt: -Infinity, isAsking: false };
      });
    });
    hear<ClusterMessage>('aiopipe:cluster.close', ({ cluster }) => {
      this.list.delete(cluster);
    });
    hear<MachineMessage>('aiopipe:machine.open', ({ machine }) => {
      log.add({ ...whoseEvent(machine), type: 'started', what: 'takes tasks' });
    });
    hear<MachineMessage>('aiopipe:machine.close', ({ machine }) => {
      log.add({ ...whoseEvent(machine), type: 'ended', what: 'has ended' });
    });
    hear<MachineEventMessage>('aiopipe:machine.event', ({ machine, event }) => {
      this.#happened(machine, event);
    });
  }

  /** Asks the machines of all clusters for news, unless they were asked just now. The answers come later. */
  ask(): void {
    for (const { item, notes } of this.list) {
      const { isAsking, askedAt } = notes;
      if (isAsking || performance.now() - askedAt < INTERVAL) continue;
      notes.isAsking = true;
      notes.askedAt = performance.now();
      const asked = item.pools.slice(0, MOST_POOLS).map((pool) => askAbout(pool, notes));
      void Promise.all(asked).finally(() => {
        notes.isAsking = false;
      });
    }
  }

  #happened(machine: ObservedMachine, event: MachineEvent): void {
    const facts = { ...whoseEvent(machine), type: 'note', time: event.time } as const;
    switch (event.type) {
      case 'task-left': {
        if (!this.#isNews(machine, event)) break;
        const served = event.served === undefined ? '' : `, but in version ${event.served}`;
        const what = `does not serve ${event.target} in version ${event.version}, which a caller wants${served}`;
        this.#log.add({ ...facts, what, next: 'leaves its tasks to other machines' });
        break;
      }
      case 'task-retried': {
        const what = `had the task ${event.target}, whose worker died: ${messageOf(event.error)}`;
        this.#log.add({ ...facts, what, next: 'handed it back, to be tried again' });
        break;
      }
      case 'task-dead': {
        const what = `gave the task ${event.target} up: ${messageOf(event.error)}`;
        this.#log.add({ ...facts, what, next: 'put it into the dead letters', isFailure: true });
        break;
      }
      case 'result-lost': {
        const what = `dropped the outcome of the task ${event.target}: its caller was not heard of`;
        this.#log.add({ ...facts, what, isFailure: true });
        break;
      }
      case 'gave-up':
        this.#log.add({ ...facts, what: `gave up: ${messageOf(event.error)}`, isFailure: true });
    }
  }

  /** A caller says what it wants as often as it likes. */
  #isNews(
    machine: ObservedMachine,
    { target, version }: { readonly target: string; readonly version: string },
  ): boolean {
    let left = this.#left.get(machine);
    if (left === undefined) this.#left.set(machine, (left = new Set()));
    const name = `${target} ${version}`;
    if (left.has(name) || left.size >= MOST_LEFT) return false;
    left.add(name);
    return true;
  }
}

async function askAbout(pool: ObservedClusterPool, { answers, machines }: ClusterNotes): Promise<void> {
  try {
    const { queued, running, redelivered, machines: heard } = await pool.stats();
    const time = performance.now();
    answers.set(pool, { time, answer: { queued, running, redelivered } });
    for (const machine of heard) {
      const targets = machines.get(machine.name)?.targets ?? new Map<ObservedClusterPool, number>();
      if (targets.size === 0 && machines.size >= MOST_MACHINES) continue;
      machines.set(machine.name, { ...machine, targets: targets.set(pool, time) });
    }
  } catch {
    // The cluster was closed, or the server refuses: there is no answer.
    answers.delete(pool);
  }
}

/** Returns what was answered last about a pool, if it is fresh. */
export function answerAbout(pool: ObservedClusterPool, { answers }: ClusterNotes): PoolAnswer | undefined {
  const last = answers.get(pool);
  return last === undefined || isOld(last.time) ? undefined : last.answer;
}

/** Returns the machines that were heard of late, and forgets the others. */
export function answeringMachines({ machines }: ClusterNotes): AnsweringMachine[] {
  for (const [name, { targets }] of machines) {
    for (const [pool, time] of targets) if (isOld(time)) targets.delete(pool);
    if (targets.size === 0) machines.delete(name);
  }
  return [...machines.values()];
}

const isOld = (time: number): boolean => performance.now() - time > FRESH;

function whoseEvent({ name, cluster }: ObservedMachine) {
  return { kind: 'machine', who: `the machine ${name}`, of: `the cluster ${cluster}` } as const;
}

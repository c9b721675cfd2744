import { type ResourceUsage } from '@aiopipe/core';
import { wallClock } from '@aiopipe/core/internal';
import { Listeners } from '../events/listeners.js';
import { type ProcessExit } from '../start/process.js';

/** The fields of every event of a pool. */
export interface PoolEventFields {
  /** The worker's name, as `ps` shows it. */
  readonly worker: string;
  /** The worker's process id; undefined if it could not be started. */
  readonly pid: number | undefined;
  /** When, as `Date.now()` counts. */
  readonly time: number;
}

/** A worker is ready for tasks: its `setup` has returned, and the pool's own target is loaded. */
export interface WorkerStarted extends PoolEventFields {
  readonly type: 'worker-started';
}

/**
 * Why a worker ended. `died`: by itself, or by a signal of another program. `broken`: it broke the protocol, or its channel
 * failed, and it was killed. `cancelled`: it did not end a cancelled task within `cancelGrace`, and was killed.
 * `recycled`: after `maxTasks`, or because of `maxRss`. `memory`: it held more than `maxRss` during a task, and was killed. `idle`: it had no task for `idleTimeout`. `closed`: the pool ends.
 */
export type WorkerEndReason = 'died' | 'broken' | 'cancelled' | 'recycled' | 'memory' | 'idle' | 'closed';

/** A worker has ended. Published before another one is started in its place. */
export interface WorkerEnded extends PoolEventFields, ProcessExit {
  readonly type: 'worker-ended';
  readonly reason: WorkerEndReason;
  /** The failure, if there was one. */
  readonly error: Error | undefined;
  /** The processor time and memory that it used; undefined if it could not be started. */
  readonly usage: ResourceUsage | undefined;
  /** How many tasks it was given. */
  readonly tasks: number;
}

/** A task is given to another worker, because the worker that ran it has ended. */
export interface TaskRetried extends PoolEventFields {
  readonly type: 'task-retried';
  /** The name of the task's target. */
  readonly target: string;
  /** How the worker ended. */
  readonly error: Error;
  /** How often the task can be tried again after this time. */
  readonly retriesLeft: number;
}

/** A line that a worker has written; only with the pool's option `output: 'events'`. */
export interface WorkerOutput extends PoolEventFields {
  readonly type: 'output';
  readonly stream: 'stdout' | 'stderr';
  /** Without its newline. A line of more than 64 KiB comes in pieces. */
  readonly line: string;
}

/** What happens in a pool. */
export type PoolEvent = WorkerStarted | WorkerEnded | TaskRetried | WorkerOutput;

/** The events of a pool, by their type. */
export interface PoolEvents {
  'worker-started': [WorkerStarted];
  'worker-ended': [WorkerEnded];
  'task-retried': [TaskRetried];
  output: [WorkerOutput];
}

/** The worker that an event is about. */
interface About {
  readonly worker: { readonly name: string; readonly pid: number | undefined };
}

/** Gets the events of a pool besides its listeners. */
export interface PoolObserver {
  happened(event: PoolEvent): void;
  closed(): void;
}

type Facts = PoolEvent extends infer Each ? (Each extends unknown ? Omit<Each, keyof PoolEventFields> : never) : never;

/** Makes events of what happens in a pool. */
export class PoolPublisher {
  readonly listeners: Listeners<PoolEvent>;

  readonly #observer: PoolObserver | undefined;
  #hasEnded = false;

  /** @param emit - calls the listeners; returns whether there are any */
  constructor(emit: (event: PoolEvent) => boolean, observer?: PoolObserver) {
    this.listeners = new Listeners(emit);
    this.#observer = observer;
  }

  publish({ worker }: About, facts: Facts): void {
    const event: PoolEvent = { worker: worker.name, pid: worker.pid, time: wallClock(), ...facts };
    this.#observer?.happened(event);
    this.listeners.deliver(event);
  }

  /** All workers have ended. Each call of the pool's `close()` tells it. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.listeners.end();
    this.#observer?.closed();
  }
}

import { type ResourceUsage } from '@aiopipe/core';
import { wallClock } from '@aiopipe/core/internal';
import { Listeners } from '../events/listeners.js';
import { type ProcessExit } from '../start/process.js';

/**
 * The fields of every event of a pool.
 *
 * @see the example of {@link PoolEvents}
 */
export interface PoolEventFields {
  /** The worker's name, as `ps` shows it. */
  readonly worker: string;
  /** The worker's process id; undefined if it could not be started. */
  readonly pid: number | undefined;
  /** When, as `Date.now()` counts. */
  readonly time: number;
}

/**
 * A worker is ready for tasks: its `setup` has returned, and the pool's own target is loaded.
 *
 * @see the example of {@link PoolEvents}
 */
export interface WorkerStarted extends PoolEventFields {
  readonly type: 'worker-started';
}

/**
 * Why a worker ended. `died`: by itself, or by a signal of another program. `broken`: it broke the protocol, or its channel
 * failed, and it was killed. `cancelled`: it did not end a cancelled task within `cancelGrace`, and was killed.
 * `recycled`: after `maxTasks`, or because of `maxRss`. `memory`: it held more than `maxRss` during a task, and was killed. `idle`: it had no task for `idleTimeout`. `closed`: the pool ends.
 *
 * @see the example of {@link PoolEvents}
 */
export type WorkerEndReason = 'died' | 'broken' | 'cancelled' | 'recycled' | 'memory' | 'idle' | 'closed';

/**
 * A worker has ended. Published before another one is started in its place.
 *
 * @see the example of {@link PoolEvents}
 */
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

/**
 * A task is given to another worker, because the worker that ran it has ended.
 *
 * @example
 * ```ts
 * import { isChild, Pool, target } from '@aiopipe/process';
 *
 * export const die = target(import.meta.url, 'die', () => process.kill(process.pid, 'SIGKILL'));
 *
 * if (!isChild()) {
 *   await using pool = new Pool(die, { size: 1, retries: 1 });
 *   pool.on('task-retried', ({ target, retriesLeft }) => console.log(target, 'is tried again,', retriesLeft, 'left'));
 *   await pool.run().catch((error) => console.log(error.code));
 * }
 * ```
 * ```text
 * die is tried again, 0 left
 * ERR_AIOPIPE_NO_RESULT
 * ```
 */
export interface TaskRetried extends PoolEventFields {
  readonly type: 'task-retried';
  /** The name of the task's target. */
  readonly target: string;
  /** How the worker ended. */
  readonly error: Error;
  /** How often the task can be tried again after this time. */
  readonly retriesLeft: number;
}

/**
 * A line that a worker has written; only with the pool's option `output: 'events'`.
 *
 * @example
 * ```ts
 * import { isChild, Pool, target } from '@aiopipe/process';
 *
 * export const talk = target(import.meta.url, 'talk', () => console.log('looks at the file'));
 *
 * if (!isChild()) {
 *   await using pool = new Pool(talk, { size: 1, output: 'events' });
 *   pool.on('output', ({ worker, stream, line }) => console.log(`${worker} ${stream}: ${line}`));
 *   await pool.run();
 *   await pool.close();
 * }
 * ```
 * ```text
 * talk-1 stdout: looks at the file
 * ```
 */
export interface WorkerOutput extends PoolEventFields {
  readonly type: 'output';
  readonly stream: 'stdout' | 'stderr';
  /** Without its newline. A line of more than 64 KiB comes in pieces. */
  readonly line: string;
}

/**
 * What happens in a pool.
 *
 * @example
 * ```ts
 * import { isChild, Pool, target } from '@aiopipe/process';
 *
 * export const die = target(import.meta.url, 'die', () => process.kill(process.pid, 'SIGKILL'));
 *
 * if (!isChild()) {
 *   await using pool = new Pool(die, { size: 1 });
 *   const events = pool.events();
 *   void pool.run().catch(() => {});
 *   for await (const event of events)
 *     if (event.type === 'worker-ended') {
 *       console.log(event.reason, event.signalCode);
 *       break;
 *     }
 * }
 * ```
 * ```text
 * died SIGKILL
 * ```
 */
export type PoolEvent = WorkerStarted | WorkerEnded | TaskRetried | WorkerOutput;

/**
 * The events of a pool, by their type.
 *
 * @example
 * ```ts
 * import { isChild, Pool, target } from '@aiopipe/process';
 *
 * export const square = target(import.meta.url, 'square', (n: number) => n * n);
 *
 * if (!isChild()) {
 *   await using pool = new Pool(square, { size: 1 });
 *   pool.on('worker-started', ({ worker }) => console.log(worker, 'has started'));
 *   pool.on('worker-ended', ({ worker, reason, tasks }) => console.log(worker, reason, tasks));
 *   await pool.run(5);
 *   await pool.close();
 * }
 * ```
 * ```text
 * square-1 has started
 * square-1 closed 1
 * ```
 */
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

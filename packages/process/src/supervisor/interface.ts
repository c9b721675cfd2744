import { type EventEmitter } from 'node:events';
import { type Channel } from '@aiopipe/codec';
import { type EventsOptions } from '../events/event-stream.js';
import { type ConnectOptions } from '../sibling/connect-sibling.js';
import { type ProcessExit, type ProcessHandle } from '../start/process.js';
import { type ChildSpec, type PartitionedSpec, type SupervisorSpec } from './spec.js';

/**
 * `starting`: started, and not ready yet. `restarting`: waits for its restart. `stopped`: does not run, and will not by itself.
 *
 * @see the example of {@link ChildInfo}
 */
export type ChildState = 'starting' | 'running' | 'restarting' | 'stopped';

/**
 * A child as it is now.
 *
 * @example
 * ```ts
 * import { isChild, Supervisor, target } from '@aiopipe/process';
 *
 * export const serve = target(import.meta.url, 'serve', () => new Promise(() => setInterval(() => {}, 1000)));
 *
 * if (!isChild()) {
 *   await using supervisor = new Supervisor([{ id: 'web', target: serve }]);
 *   await supervisor.start();
 *   for (const { id, state, restarts } of supervisor.whichChildren()) console.log(id, state, restarts);
 * }
 * ```
 * ```text
 * web running 0
 * ```
 */
export interface ChildInfo {
  readonly id: string;
  readonly type: 'worker' | 'supervisor';
  readonly state: ChildState;
  /** The child, if it is a process and was started. */
  readonly process: ProcessHandle | undefined;
  /** The child, if it is a supervisor and was started. */
  readonly supervisor: NestedSupervisor | undefined;
  /** The process id, if it is a process and was started. */
  readonly pid: number | undefined;
  /** How often it has been restarted. */
  readonly restarts: number;
}

/**
 * The numbers of a supervisor's children.
 *
 * @see the example of {@link SupervisorSpec}
 */
export interface ChildCount {
  /** All children, running or not. */
  readonly specs: number;
  /** Children that run or are being started. */
  readonly active: number;
  /** Nested supervisors, running or not. */
  readonly supervisors: number;
  /** Child processes, running or not. */
  readonly workers: number;
}

/**
 * The fields of every event.
 *
 * @see the example of {@link SupervisorEvent}
 */
export interface SupervisorEventFields {
  /** The child's. */
  readonly id: string;
  /** Ids from the supervisor that publishes it to the child: `['web']` for a child of its own, `['shop', 'web']` for a nested one's. */
  readonly path: readonly string[];
  /** When, as `Date.now()` counts. */
  readonly time: number;
}

/**
 * A child runs, and is ready if its specification asks for that.
 *
 * @see the example of {@link Supervisor}
 */
export interface ChildStarted extends SupervisorEventFields {
  readonly type: 'started';
  /** The child, if it is a process. */
  readonly process: ProcessHandle | undefined;
  /** The child, if it is a supervisor: a new one after each restart. */
  readonly supervisor: NestedSupervisor | undefined;
  /** The process id, if it is a process. */
  readonly pid: number | undefined;
  /** How often it had been started before. */
  readonly restarts: number;
}

/**
 * A child could not be started: its arguments or its process failed, or it was not ready in time. Nothing of it is left.
 *
 * @example
 * ```ts
 * import { isChild, Supervisor, target } from '@aiopipe/process';
 *
 * export const slow = target(import.meta.url, 'slow', () => new Promise(() => setInterval(() => {}, 1000)));
 *
 * if (!isChild()) {
 *   await using supervisor = new Supervisor([{ id: 'web', target: slow, ready: { timeout: 10 } }]);
 *   supervisor.on('start-failed', ({ id, willRestart }) => console.log(id, willRestart));
 *   await supervisor.start().catch((error) => console.log(error.code));
 * }
 * ```
 * ```text
 * web false
 * ERR_AIOPIPE_START
 * ```
 */
export interface ChildStartFailed extends SupervisorEventFields {
  readonly type: 'start-failed';
  /** The process id, if there was a process. */
  readonly pid: number | undefined;
  readonly error: Error;
  /** Whether the supervisor tries again. */
  readonly willRestart: boolean;
  /** Milliseconds until then. */
  readonly delay: number;
}

/**
 * Why a child ended. `exit`: it returned, failed, or was killed by another program. `hung`: it missed a heartbeat, and was
 * killed. `shutdown`: its supervisor shut it down, for good or to restart it with a sibling.
 *
 * @example
 * ```ts
 * import { isChild, Supervisor, target } from '@aiopipe/process';
 *
 * export const serve = target(import.meta.url, 'serve', () => new Promise(() => setInterval(() => {}, 1000)));
 *
 * if (!isChild()) {
 *   await using supervisor = new Supervisor([{ id: 'web', target: serve }]);
 *   supervisor.on('exited', ({ id, reason }) => console.log(id, reason));
 *   await supervisor.start();
 * }
 * ```
 * ```text
 * web shutdown
 * ```
 */
export type ExitReason = 'exit' | 'hung' | 'shutdown';

/**
 * A child that had started has ended.
 *
 * @see the example of {@link Supervisor}
 */
export interface ChildExited extends SupervisorEventFields, ProcessExit {
  readonly type: 'exited';
  /** The process id, if it is a process. */
  readonly pid: number | undefined;
  readonly reason: ExitReason;
  /** The failure, if there was one. */
  readonly error: Error | undefined;
  /** Milliseconds since it was started. */
  readonly uptime: number;
  /** How often it had been started before. */
  readonly restarts: number;
  /** Whether it will be started again. */
  readonly willRestart: boolean;
  /** Milliseconds until then: the backoff. 0 for a sibling that is shut down: its restart comes with the other child's. */
  readonly delay: number;
}

/**
 * A supervisor gave up. All of its children are being shut down.
 *
 * @example
 * ```ts
 * import { isChild, Supervisor, target } from '@aiopipe/process';
 *
 * export const fail = target(import.meta.url, 'fail', () => process.exit(1));
 *
 * if (!isChild()) {
 *   await using supervisor = new Supervisor([{ id: 'web', target: fail }], { intensity: 0 });
 *   supervisor.on('gave-up', ({ id }) => console.log(id, 'ended too often'));
 *   await supervisor.start();
 *   await supervisor.finished.catch((error) => console.log(error.code));
 * }
 * ```
 * ```text
 * web ended too often
 * ERR_AIOPIPE_INTENSITY
 * ```
 */
export interface SupervisorGaveUp extends SupervisorEventFields {
  readonly type: 'gave-up';
  /** Names the child that ended once too often, as `id` and `path` do; `cause` is that child's error. */
  readonly error: Error;
}

/**
 * A change, published before its consequences are carried out.
 *
 * @example
 * ```ts
 * import { isChild, Supervisor, target } from '@aiopipe/process';
 *
 * export const job = target(import.meta.url, 'job', () => {});
 *
 * if (!isChild()) {
 *   await using supervisor = new Supervisor([{ id: 'job', target: job, restart: 'transient' }]);
 *   const events = supervisor.events();
 *   await supervisor.start();
 *   for await (const event of events) {
 *     console.log(event.type, event.path.join('/'));
 *     if (event.type === 'exited') break;
 *   }
 * }
 * ```
 * ```text
 * started job
 * exited job
 * ```
 */
export type SupervisorEvent = ChildStarted | ChildStartFailed | ChildExited | SupervisorGaveUp;

/**
 * The events of a supervisor, by their type.
 *
 * @see the example of {@link Supervisor}
 */
export interface SupervisorEvents {
  started: [ChildStarted];
  'start-failed': [ChildStartFailed];
  exited: [ChildExited];
  'gave-up': [SupervisorGaveUp];
}

/**
 * A supervisor that another one started: what every `Supervisor` has, except that only the outer one starts and stops it.
 *
 * @see the example of {@link SupervisorSpec}
 */
export interface NestedSupervisor extends EventEmitter<SupervisorEvents> {
  /** Counts its children. */
  countChildren(): ChildCount;
  /** Lists its children as they are now, from left to right. */
  whichChildren(): ChildInfo[];
  /** Returns the child for a key, of the child of that id, which has partitions. */
  which(id: string, key: string | number): ChildInfo;
  /** Connects this process to a child, which gets the other end by `connections()`. */
  connect<Send = unknown, Receive = Send>(id: string, options?: ConnectOptions): Promise<Channel<Send, Receive>>;
  /** Adds a child on the right, and starts it. */
  startChild<const Children>(spec: SupervisorSpec<Children>): Promise<NestedSupervisor>;
  startChild<const Args>(spec: PartitionedSpec<Args>): Promise<NestedSupervisor>;
  // The last overload, because TypeScript's messages are about the last one.
  startChild<const Args>(spec: ChildSpec<Args>): Promise<ProcessHandle>;
  /** Shuts a child down. */
  terminateChild(id: string): Promise<void>;
  /** Starts a child that does not run. */
  restartChild(id: string): Promise<ProcessHandle | NestedSupervisor>;
  /** Deletes a child that does not run. */
  deleteChild(id: string): Promise<void>;
  /** Iterates over all events from this call on. */
  events(options?: EventsOptions): AsyncGenerator<SupervisorEvent, void, undefined>;
}

import { type ProcessExit, type ChildProcess } from '../start/process.js';
import { type Supervisor } from './supervisor.js';

/** What all events of a supervisor tell. */
interface AboutChild {
  /** The child's. */
  readonly id: string;
  /** Ids from the supervisor that tells it down to the child: `['web']` for one of its own, `['shop', 'web']` for one of a nested one. */
  readonly path: readonly string[];
  /** When, as `Date.now()` counts. */
  readonly time: number;
}

/** A child runs, and is ready if its spec asks for that. */
export interface ChildStarted extends AboutChild {
  readonly type: 'started';
  /** The child, where it is a process. */
  readonly process: ChildProcess | undefined;
  /** The child, where it is a supervisor: a new one after each restart. */
  readonly supervisor: Supervisor | undefined;
  /** The process's. */
  readonly pid: number | undefined;
  /** How often it has been started before. */
  readonly restarts: number;
}

/** A child could not be started: its arguments, its process, or it was not ready in time. Nothing of it is left. */
export interface ChildStartFailed extends AboutChild {
  readonly type: 'start-failed';
  /** The process's, where there was one. */
  readonly pid: number | undefined;
  readonly error: Error;
  /** Whether it will be started again. */
  readonly willRestart: boolean;
  /** Milliseconds until then. */
  readonly delay: number;
}

/**
 * Why a child ended: by itself, whether it returned, failed or was killed by somebody else; its heartbeat failed, and it was
 * killed; its supervisor shut it down, for good or to start it again with a sibling.
 */
export type ExitReason = 'exit' | 'hung' | 'shutdown';

/** A child that had started has ended. */
export interface ChildExited extends AboutChild, ProcessExit {
  readonly type: 'exited';
  readonly pid: number | undefined;
  readonly reason: ExitReason;
  /** What failed, where something did. */
  readonly error: Error | undefined;
  /** Milliseconds since it was started. */
  readonly uptime: number;
  /** How often it had been started before. */
  readonly restarts: number;
  /** Whether it will be started again. */
  readonly willRestart: boolean;
  /** Milliseconds until then: the backoff. 0 for a sibling that is shut down, whose restart comes with another's. */
  readonly delay: number;
}

/** A supervisor gave up: all of its children are being shut down. */
export interface SupervisorGaveUp extends AboutChild {
  readonly type: 'gave-up';
  /** It names the child that ended once too often, as `id` and `path` do; `cause` is that child's. */
  readonly error: Error;
}

/** Each change, told before what follows from it is done. */
export type SupervisorEvent = ChildStarted | ChildStartFailed | ChildExited | SupervisorGaveUp;

/** Events of a {@link Supervisor}, by their type. */
export interface SupervisorEvents {
  started: [ChildStarted];
  'start-failed': [ChildStartFailed];
  exited: [ChildExited];
  'gave-up': [SupervisorGaveUp];
}

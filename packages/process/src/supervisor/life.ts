import { type ProcessExit, type ProcessHandle } from '../start/process.js';
import { type ExitReason, type NestedSupervisor } from './interface.js';

/** How a life ended. */
export interface Ending extends ProcessExit {
  readonly reason: ExitReason;
  readonly error: Error | undefined;
  /** When, by `now()`. */
  readonly at: number;
}

/** A child from one start to its end: a process, or a supervisor with all of its children. */
export interface Life {
  readonly process: ProcessHandle | undefined;
  readonly supervisor: NestedSupervisor | undefined;
  readonly pid: number | undefined;
  /** Resolves when the child counts as started; rejects if it does not. Marked as handled. */
  readonly started: Promise<unknown>;
  readonly ended: Promise<Ending>;
  /** Ends the child, and resolves when it has ended. */
  shutDown(): Promise<unknown>;
}

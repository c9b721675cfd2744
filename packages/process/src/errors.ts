import { AiopipeError, type AiopipeErrorOptions, type SignalName } from '@aiopipe/core';
import { nameErrors } from '@aiopipe/core/internal';

/** What a {@link ChildError} tells beside its message. */
export interface ChildErrorDetails extends AiopipeErrorOptions {
  readonly pid?: number | undefined;
  readonly exitCode?: number | null | undefined;
  readonly signalCode?: SignalName | null | undefined;
}

type ChildErrorCode = 'ERR_AIOPIPE_CHILD' | 'ERR_AIOPIPE_NO_RESULT' | 'ERR_AIOPIPE_START' | 'ERR_AIOPIPE_PROTOCOL';

/**
 * The child's. Its `code` tells which:
 *
 * - `ERR_AIOPIPE_CHILD`: its function threw; `cause` is what.
 * - `ERR_AIOPIPE_NO_RESULT`: it ended before its function had returned: by a signal, or by its own `process.exit()`.
 * - `ERR_AIOPIPE_START`: its function was never called; `cause` is why.
 * - `ERR_AIOPIPE_PROTOCOL`: what it said to this process made no sense, or was said out of turn; it was killed.
 */
export class ChildError extends AiopipeError {
  declare readonly code: ChildErrorCode;
  readonly pid: number | undefined;
  /** How it ended, where that is known. */
  readonly exitCode: number | null;
  readonly signalCode: SignalName | null;

  constructor(code: ChildErrorCode, message: string, details: ChildErrorDetails = {}) {
    super(code, message, 'cause' in details ? { cause: details.cause } : {});
    this.pid = details.pid;
    this.exitCode = details.exitCode ?? null;
    this.signalCode = details.signalCode ?? null;
  }

  static {
    nameErrors(this);
  }
}

/**
 * A supervisor's. Its `code` tells which:
 *
 * - `ERR_AIOPIPE_INTENSITY`: it gave up, because its children ended more often than its intensity allows; `cause` is the
 *   last one's. A pool's, too.
 * - `ERR_AIOPIPE_START`: a child could not be started; `cause` is why.
 * - `ERR_AIOPIPE_CHILD_ID`: it has no child of that id, or has one already.
 */
export class SupervisorError extends AiopipeError {
  static {
    nameErrors(this);
  }
}

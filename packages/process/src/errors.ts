import { AiopipeError, type AiopipeErrorOptions, type SignalName } from '@aiopipe/core';
import { nameErrors } from '@aiopipe/core/internal';

/**
 * The details of a {@link ChildError}.
 *
 * @example
 * ```ts
 * import { ChildError } from '@aiopipe/process';
 *
 * const error = new ChildError('ERR_AIOPIPE_NO_RESULT', 'the child is gone', { exitCode: null, signalCode: 'SIGKILL' });
 * console.log(error.code, error.signalCode);
 * ```
 * ```text
 * ERR_AIOPIPE_NO_RESULT SIGKILL
 * ```
 */
export interface ChildErrorDetails extends AiopipeErrorOptions {
  readonly pid?: number | undefined;
  readonly exitCode?: number | null | undefined;
  readonly signalCode?: SignalName | null | undefined;
}

/**
 * The `code` of a {@link ChildError}.
 *
 * @example
 * ```ts
 * import { isChild, startProcess, target, type ChildError } from '@aiopipe/process';
 *
 * export const exit = target(import.meta.url, 'exit', () => process.exit(3));
 *
 * if (!isChild())
 *   await startProcess(exit).result.catch(({ code, exitCode }: ChildError) => {
 *     if (code === 'ERR_AIOPIPE_NO_RESULT') console.log('it ended before its function had returned:', exitCode);
 *   });
 * ```
 * ```text
 * it ended before its function had returned: 3
 * ```
 */
export type ChildErrorCode =
  | 'ERR_AIOPIPE_CHILD'
  | 'ERR_AIOPIPE_NO_RESULT'
  | 'ERR_AIOPIPE_START'
  | 'ERR_AIOPIPE_PROTOCOL';

/**
 * A child process failed. Its `code` tells how:
 *
 * - `ERR_AIOPIPE_CHILD`: the child's function threw; `cause` is what it threw.
 * - `ERR_AIOPIPE_NO_RESULT`: the child's function was called, and the child ended before it had returned: by a signal, or by its
 *   own `process.exit()`.
 * - `ERR_AIOPIPE_START`: the child's function was never called: the child could not be started, its module could not be loaded
 *   (`cause` is the reason), or it ended before.
 * - `ERR_AIOPIPE_PROTOCOL`: the child sent a message that is badly formed or out of turn, and was killed.
 *
 * @example
 * ```ts
 * import { ChildError, isChild, startProcess, target } from '@aiopipe/process';
 *
 * export const fail = target(import.meta.url, 'fail', () => {
 *   throw new RangeError('no such order');
 * });
 *
 * if (!isChild())
 *   try {
 *     await startProcess(fail).result;
 *   } catch (error) {
 *     if (!(error instanceof ChildError)) throw error;
 *     console.log(error.code, error.cause instanceof RangeError, error.exitCode);
 *   }
 * ```
 * ```text
 * ERR_AIOPIPE_CHILD true 1
 * ```
 */
export class ChildError extends AiopipeError {
  declare readonly code: ChildErrorCode;
  readonly pid: number | undefined;
  /** The child's exit code; null if it is not known, or a signal ended the child. */
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
 *
 * @example
 * ```ts
 * import { isChild, Supervisor, SupervisorError, target } from '@aiopipe/process';
 *
 * export const fail = target(import.meta.url, 'fail', () => {
 *   throw new Error('no configuration');
 * });
 *
 * if (!isChild()) {
 *   await using supervisor = new Supervisor([{ id: 'web', target: fail }], { intensity: 0 });
 *   await supervisor.start();
 *   await supervisor.finished.catch((error) => {
 *     if (!(error instanceof SupervisorError)) throw error;
 *     console.log(error.code); // it gave up
 *   });
 * }
 * ```
 * ```text
 * ERR_AIOPIPE_INTENSITY
 * ```
 */
export class SupervisorError extends AiopipeError {
  static {
    nameErrors(this);
  }
}

import { describeValue, limitsBehindEnd } from '@aiopipe/core/internal';
import { ChildError } from '../errors.js';
import { type Worker } from './worker.js';

/** Returns the error of a worker that broke the protocol. `what` completes a sentence that begins with the worker's name. */
export function protocolError({ name, pid }: Worker, what: string, cause: Error | undefined): ChildError {
  const details = { pid, ...(cause && { cause }) };
  return new ChildError('ERR_AIOPIPE_PROTOCOL', `${name} (pid ${String(pid)}) ${what}`, details);
}

/** Returns the error of a worker that was killed for its memory. `what` as for {@link protocolError}. */
export function memoryError({ name, pid }: Worker, what: string): ChildError {
  return new ChildError('ERR_AIOPIPE_NO_RESULT', `${name} (pid ${String(pid)}) ${what}`, { pid });
}

/**
 * Returns the error of a task that is lost with its worker.
 *
 * @param brokenBy - why the worker was killed, if it was
 * @param endedBy - why it ended, if that is known; its cause is what the worker threw where nothing caught it
 */
export function lossError(
  { name, pid, exit, limits }: Worker,
  when: 'before it started this task' | 'while it ran this task',
  brokenBy: Error | undefined,
  endedBy: Error | undefined,
): ChildError {
  const { exitCode, signalCode } = exit;
  const how = signalCode === null ? `with exit code ${String(exitCode)}` : `by ${signalCode}`;
  const message = `${name} (pid ${String(pid)}) ended ${how} ${when}`;
  const why = whyEnded(brokenBy, endedBy) ?? limitsBehindEnd(limits, exit);
  return new ChildError('ERR_AIOPIPE_NO_RESULT', message + why, {
    pid,
    exitCode,
    signalCode,
    cause: brokenBy ?? endedBy,
  });
}

function whyEnded(brokenBy: Error | undefined, endedBy: Error | undefined): string | undefined {
  if (brokenBy !== undefined) return `, because of an error: ${brokenBy.message}`;
  if (endedBy instanceof ChildError && endedBy.code === 'ERR_AIOPIPE_CHILD') {
    return `, because nothing caught an error: ${describeValue(endedBy.cause)}`;
  }
  return undefined;
}

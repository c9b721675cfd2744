import { ClosedError } from '@aiopipe/core';
import { describeValue, reasonOf } from '@aiopipe/core/internal';
import { SupervisorError } from '../errors.js';
import { type Child } from './child.js';
import { type StartFailure } from './event-publisher.js';
import { type RestartIntensity } from './restart-intensity.js';

/** Names a supervisor in messages. */
export function nameOf(path: readonly string[]): string {
  return path.length === 0 ? 'the supervisor' : `supervisor ${path.join('/')}`;
}

export function stoppedError(supervisor: string): ClosedError {
  return new ClosedError(`${supervisor} was stopped`);
}

export function startError(supervisor: string, { spec }: Child, { error }: StartFailure): SupervisorError {
  const message = `${supervisor} could not start ${spec.id}: ${reasonOf(error)}`;
  return new SupervisorError('ERR_AIOPIPE_START', message, { cause: error });
}

/** @param cause - undefined if the child returned */
export function intensityError(
  supervisor: string,
  { spec }: Child,
  allowed: RestartIntensity,
  cause: Error | undefined,
): SupervisorError {
  const reason = cause === undefined ? 'its function returned' : reasonOf(cause);
  return new SupervisorError(
    'ERR_AIOPIPE_INTENSITY',
    `${supervisor} gave up: ${spec.id} ended again, after ${String(allowed)} (intensity and period); ${reason}`,
    { cause },
  );
}

/** Makes an Error of any thrown value. The value may throw when it is read. */
export function asError(thrown: unknown): Error {
  try {
    if (thrown instanceof Error) return thrown;
  } catch {
    // A revoked proxy, say.
  }
  return new Error(describeValue(thrown), { cause: thrown });
}

/** Failures of calls that an event has also reported. Their unhandled rejections need no warning. */
export const publishedFailures = new WeakSet<Error>();

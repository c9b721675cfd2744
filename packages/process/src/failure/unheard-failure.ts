import { setImmediate } from '@aiopipe/core/internal';
import { describe } from './describe.js';

type Code = 'AIOPIPE_CHILD_FAILED' | 'AIOPIPE_SUPERVISOR_FAILED' | 'AIOPIPE_PREFORK_FAILED';

/** Tells of a failure, by a process warning, that the program has no other way to hear of. */
export function warnOf(code: Code, error: Error, remedy: string): void {
  const cause: unknown = error.cause;
  process.emitWarning(`${describe(error)} (${remedy})`, {
    type: 'AiopipeWarning',
    code,
    ...(cause !== undefined && { detail: `caused by ${stackOf(cause)}` }),
  });
}

function stackOf(cause: unknown): string {
  try {
    if (cause instanceof Error && typeof cause.stack === 'string' && cause.stack.length < 10_000) return cause.stack;
  } catch {
    // Then without.
  }
  return describe(cause);
}

/** A promise that knows whether anybody has waited for it. */
export class WatchedPromise<T> extends Promise<T> {
  isHeard = false;

  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** As `promise`; an unheard rejection does not end the program, and `onUnheard` gets it some time later. */
  static of<T>(promise: Promise<T>, onUnheard: (error: unknown) => void): WatchedPromise<T> {
    const watched = new WatchedPromise<T>((resolve, reject) => {
      promise.then(resolve, reject);
    });
    promise.catch((error: unknown) => {
      setImmediate(() => {
        if (!watched.isHeard) onUnheard(error);
      });
    });
    super.prototype.then.call(watched, undefined, () => undefined);
    return watched;
  }

  override then<A = T, B = never>(
    onResolve?: ((value: T) => A | PromiseLike<A>) | null,
    onReject?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.isHeard = true;
    return super.then(onResolve, onReject);
  }
}

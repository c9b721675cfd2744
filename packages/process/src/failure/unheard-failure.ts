import { describeValue, placeOfCall, setImmediate, SiteWarnings, type CallSite } from '@aiopipe/core/internal';

type Code = 'AIOPIPE_SUPERVISOR_FAILED' | 'AIOPIPE_PREFORK_FAILED' | 'AIOPIPE_TASK_FAILED';

/** Tells of a failure, by a process warning, that the program has no other way to hear of. */
export function warnOf(code: Code, error: Error, remedy: string): void {
  const detail = causeIn(error);
  process.emitWarning(`${describeValue(error)} (${remedy})`, {
    type: 'AiopipeWarning',
    code,
    ...(detail !== undefined && { detail }),
  });
}

const failedChildren = new SiteWarnings('AIOPIPE_CHILD_FAILED', (site, count, first) =>
  count === 1 ? first : `${String(count)} child processes started at ${site} failed, the first with: ${first}`,
);

/**
 * Tells of the failure of a child, by a process warning, that the program has no other way to hear of.
 *
 * @param site - the call that started it: a loop of failing children has few warnings
 */
export function warnOfChild(site: CallSite, error: Error, remedy: string): void {
  failedChildren.note(placeOfCall(site), `${describeValue(error)} (${remedy})`, causeIn(error));
}

function causeIn({ cause }: Error): string | undefined {
  return cause === undefined ? undefined : `caused by ${stackOf(cause)}`;
}

function stackOf(cause: unknown): string {
  try {
    if (cause instanceof Error && typeof cause.stack === 'string' && cause.stack.length < 10_000) return cause.stack;
  } catch {
    // Then without.
  }
  return describeValue(cause);
}

const nothing = (): void => undefined;

/**
 * A promise that knows whether the program has looked at it: by `await`, `then()`, `catch()`, `Promise.all()` and the like.
 * All of them read `constructor` first. It returns Promise, so that `await` takes no longer than for a plain promise.
 */
export class WatchedPromise<T> extends Promise<T> {
  #isHeard = false;

  /** As `promise`; an unheard rejection does not end the program, and `onUnheard` gets it some time later. */
  static of<T>(promise: Promise<T>, onUnheard: (error: unknown) => void): WatchedPromise<T> {
    const watched = new WatchedPromise<T>((resolve, reject) => {
      promise.then(resolve, (error: unknown) => {
        watched.rejects(() => {
          onUnheard(error);
        });
        reject(error as Error);
      });
    });
    return watched;
  }

  override get ['constructor'](): PromiseConstructor {
    this.#isHeard = true;
    return Promise;
  }

  /** Call it before the promise rejects: that does not end the program, and `onUnheard` is called a turn later unless it is looked at. */
  rejects(onUnheard: () => void): void {
    const isHeard = this.#isHeard;
    this.then(undefined, nothing);
    this.#isHeard = isHeard;
    if (isHeard) return;
    setImmediate(() => {
      if (!this.#isHeard) onUnheard();
    });
  }
}

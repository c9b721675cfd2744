import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';

const CURRENT = Symbol.for('@aiopipe/codec.call');

/** A call that this process serves: its signal, and the context that its code runs in. */
export class CallScope {
  #controller: AbortController | undefined;
  #reason: unknown;
  #isCancelled = false;
  /** AsyncLocalStorage.enterWith() changes the resource of the code that runs: each call has its own. */
  readonly #resource = new AsyncResource('aiopipe.call', { requireManualDestroy: true });
  /** Whether the call asked for its signal, which it may do again after an `await`. */
  #isFollowed = false;

  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  /** Made at the first use: most calls never ask for it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#isCancelled) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  cancel(reason: unknown): void {
    if (this.#isCancelled) return;
    this.#isCancelled = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }

  /** Calls a function as this call. */
  run(target: (...args: never) => unknown, self: unknown, args: readonly unknown[]): unknown {
    const before = current.call;
    current.call = this;
    try {
      return this.#isFollowed
        ? this.#resource.runInAsyncScope(this.#runFollowed, this, target, self, args)
        : this.#resource.runInAsyncScope(Reflect.apply, undefined, target, self, args);
    } finally {
      current.call = before;
    }
  }

  #runFollowed(target: (...args: never) => unknown, self: unknown, args: readonly unknown[]): unknown {
    return current.followed?.run(this, Reflect.apply, target, self, args);
  }

  /** Makes the call known to the code that goes on after an `await`. */
  follow(): void {
    if (this.#isFollowed) return;
    this.#isFollowed = true;
    (current.followed ??= new AsyncLocalStorage()).enterWith(this);
  }
}

interface Current {
  /** The call whose code runs now, up to its next `await`. */
  call: CallScope | undefined;
  /** Made when a call asks for its signal: before, no code pays for following calls. */
  followed: AsyncLocalStorage<CallScope> | undefined;
}

/** One for this process, for all copies of the package. */
const current: Current = ((globalThis as { [CURRENT]?: Current })[CURRENT] ??= {
  call: undefined,
  followed: undefined,
});

/**
 * Returns the signal of the call that this code serves. It is aborted, with the reason, when the caller no longer waits for the
 * call, leaves the loop over a generator's items, or is gone.
 *
 * The first use in a call must come before the first `await`. After that, the call and the functions that it calls may use it
 * at any time. Outside of a call the signal never aborts, so the same function can be called anywhere.
 *
 * @example
 * ```ts
 * import { once } from 'node:events';
 * import { callSignal, channel, expose, proxy } from '@aiopipe/codec';
 *
 * const service = {
 *   async wait() {
 *     await once(callSignal(), 'abort');
 *     console.log('the caller no longer waits');
 *     here.close();
 *   },
 * };
 * const [here, there] = channel({ duplex: true });
 * const { closed } = expose(there, service);
 * await proxy<typeof service>(here).wait.with({ timeout: 10 })().catch((error) => console.log(error.name));
 * await closed;
 * there.close();
 * ```
 * ```text
 * TimeoutError
 * the caller no longer waits
 * ```
 */
export function callSignal(): AbortSignal {
  const { call } = current;
  if (call !== undefined) {
    call.follow();
    return call.signal;
  }
  return current.followed?.getStore()?.signal ?? new AbortController().signal;
}

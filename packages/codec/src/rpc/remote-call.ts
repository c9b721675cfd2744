/** Returns what it is given: so a subclass puts its private fields into any object. */
const Given = function (object: object) {
  return object;
} as unknown as new <T>(promise: Promise<T>) => Promise<T>;
Object.defineProperty(Given, 'prototype', { value: Promise.prototype });

type RemoteItems = AsyncGenerator<unknown, unknown, undefined>;

/**
 * The promise of a call, which is a generator, too: only the answer tells whether the method is one.
 * A plain subclass of Promise would be made, and awaited, five times as slowly.
 */
export class RemoteCall<T> extends Given<T> {
  readonly #call: { iterate(): RemoteItems };

  private constructor(promise: Promise<T>, call: { iterate(): RemoteItems }) {
    super(promise);
    this.#call = call;
  }

  static make<T>(promise: Promise<T>, call: { iterate(): RemoteItems }): RemoteCall<T> {
    return Object.setPrototypeOf(new RemoteCall(promise, call), RemoteCall.prototype) as RemoteCall<T>;
  }

  next(): ReturnType<RemoteItems['next']> {
    return this.#call.iterate().next();
  }

  return(value: unknown): ReturnType<RemoteItems['return']> {
    return this.#call.iterate().return(value);
  }

  throw(error: unknown): ReturnType<RemoteItems['throw']> {
    return this.#call.iterate().throw(error);
  }

  [Symbol.asyncIterator](): RemoteItems {
    return this.#call.iterate();
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#call.iterate()[Symbol.asyncDispose]();
  }
}

// then() makes promises of the `constructor`, and await takes a promise as it is only if that is Promise.
Object.defineProperty(RemoteCall.prototype, 'constructor', { value: Promise });

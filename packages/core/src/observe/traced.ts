import { type Channel } from 'node:diagnostics_channel';
import { nextTick } from '../wait/saved-globals.js';
import { diagnosticsChannel } from './diagnostics-channel.js';
import { Once } from './once.js';

/**
 * What every message of a traced operation may carry.
 *
 * @example
 * ```ts
 * import { channel } from 'node:diagnostics_channel';
 * import { type TracedMessage } from '@aiopipe/core';
 * import { popen } from '@aiopipe/subprocess';
 *
 * channel('tracing:aiopipe:process.start:error').subscribe((message) => {
 *   console.log('failed:', (message as TracedMessage).error instanceof Error);
 * });
 * try {
 *   popen(['no-such-program']);
 * } catch {}
 * ```
 * ```text
 * failed: true
 * ```
 */
export interface TracedMessage {
  /** What the operation failed with; set before `error` is published. */
  error?: unknown;
  /**
   * A subscriber of `start` may set it: the call is made by this function, within a context that `bindStore()` cannot reach. It
   * must call `run` at once, and return what that returns. If another subscriber has set it, call that one within.
   */
  within?: (<Result>(run: () => Result) => Result) | undefined;
}

/**
 * An operation that publishes as a `TracingChannel` of `node:diagnostics_channel` does: `start` and `end` around the call,
 * `asyncStart` and `asyncEnd` when its outcome is known, and `error` before that if it failed. All of them get the same message.
 * Subscribe with `tracingChannel(name)`. The channels are made by name, because Bun and Deno lack parts of `TracingChannel`.
 */
export class Traced<Message extends TracedMessage> {
  readonly #start: Channel;
  readonly #end: Channel;
  readonly #asyncStart: Channel;
  readonly #asyncEnd: Channel;
  readonly #error: Channel;

  constructor(name: string) {
    const one = (event: string) => diagnosticsChannel(`tracing:${name}:${event}`);
    this.#start = one('start');
    this.#end = one('end');
    this.#asyncStart = one('asyncStart');
    this.#asyncEnd = one('asyncEnd');
    this.#error = one('error');
  }

  /** Whether anything subscribes. If not, no message need be made. */
  get isObserved(): boolean {
    return (
      this.#start.hasSubscribers ||
      this.#end.hasSubscribers ||
      this.#asyncStart.hasSubscribers ||
      this.#asyncEnd.hasSubscribers ||
      this.#error.hasSubscribers
    );
  }

  /** Makes the call, within the contexts of subscribers. Publishes what it throws, and throws it. */
  call<Result>(message: Message, run: () => Result): Result {
    return this.#start.runStores(message, () => {
      try {
        return message.within === undefined ? run() : callWithin(message.within, run);
      } catch (error) {
        this.#publishError(message, error);
        throw error;
      } finally {
        this.#end.publish(message);
      }
    });
  }

  /** The outcome of the call is known, and it succeeded. */
  succeed(message: Message): void {
    this.#settle(message);
  }

  /** The outcome of the call is known, and it failed. */
  fail(message: Message, error: unknown): void {
    this.#publishError(message, error);
    this.#settle(message);
  }

  /** Makes a call whose outcome is that of the promise that it returns. */
  async callAsync<Result>(message: Message, run: () => Result | PromiseLike<Result>): Promise<Result> {
    const outcome = this.call(message, run);
    try {
      const value = await outcome;
      this.succeed(message);
      return value;
    } catch (error) {
      this.fail(message, error);
      throw error;
    }
  }

  #publishError(message: Message, error: unknown): void {
    message.error = error;
    this.#error.publish(message);
  }

  #settle(message: Message): void {
    this.#asyncStart.publish(message);
    this.#asyncEnd.publish(message);
  }
}

/** Makes the call within a subscriber's context. What the subscriber does wrong costs no call: it is thrown apart, as Node.js does it. */
function callWithin<Result>(within: NonNullable<TracedMessage['within']>, run: () => Result): Result {
  const once = new Once(run);
  try {
    within(() => once.result());
  } catch (error) {
    if (!once.hasThrown(error)) {
      nextTick(() => {
        throw error;
      });
    }
  }
  return once.result();
}

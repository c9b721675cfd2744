import { type Descriptor, type Interest } from '../fd/descriptor.js';
import { BusyError, ClosedError } from '../errors.js';
import { type Incoming } from './incoming-bytes.js';
import { READABLE } from '../fd/native.js';
import { type OptionNames } from '../check/options.js';
import { Pending, refuse, WAIT_OPTIONS, type WaitOptions } from '../wait/pending.js';
import { mayAnswerNow, nextShare } from '../wait/turn.js';

/** Takes the result of a read from the buffered bytes. Returns undefined if more bytes must come first; if it throws, the read rejects. */
type Attempt<T> = () => T | undefined;

/** A read that waits. */
interface Waiting {
  readonly attempt: Attempt<unknown>;
  readonly fill: () => boolean;
  readonly pending: Pending<unknown>;
  /** The read was not tried yet: the calls of this turn were used up. */
  isLate: boolean;
}

/**
 * The one read of a stream. If the buffered bytes are not enough for it, it waits until bytes, the end of the stream, a
 * failure, a timeout, an abort or a close settles it.
 */
export class PendingRead {
  readonly #descriptor: Descriptor;
  readonly #incoming: Incoming;
  #waiting: Waiting | undefined;

  constructor(descriptor: Descriptor, incoming: Incoming) {
    this.#descriptor = descriptor;
    this.#incoming = incoming;
  }

  get isWaiting(): boolean {
    return this.#waiting !== undefined;
  }

  /**
   * Starts a read. Rejects with {@link BusyError} if another one waits. While it waits, the stream is not collected if
   * `attempt` refers to it.
   *
   * @param what - completes the messages of a timeout and an abort: `nothing came`
   */
  start<T>(
    attempt: Attempt<T>,
    options: WaitOptions | undefined,
    what: string,
    fill: () => boolean = this.#incoming.fill,
    names: OptionNames<WaitOptions> = WAIT_OPTIONS,
  ): Promise<T> {
    if (!this.#descriptor.isOpenFor(READABLE)) return Promise.reject(this.#descriptor.closedError());
    if (this.#waiting !== undefined) {
      return Promise.reject(new BusyError(`${this.#name}: another read is still waiting; await it first`));
    }
    const refusal = options === undefined ? undefined : refuse(options, names, () => `${this.#name}: ${what}`);
    if (refusal !== undefined) return Promise.reject(refusal);
    const isLate = !mayAnswerNow();
    if (!isLate) {
      try {
        const result = attempt() ?? this.#incoming.tryNow(attempt, fill);
        if (result !== undefined) return Promise.resolve(result);
      } catch (error) {
        return Promise.reject(error as Error);
      }
    }
    return this.#wait(attempt, options, what, fill, isLate);
  }

  /** @param isLate - the read was not tried yet: it must wait for the next turn of the event loop */
  #wait<T>(
    attempt: Attempt<T>,
    options: WaitOptions | undefined,
    what: string,
    fill: () => boolean,
    isLate: boolean,
  ): Promise<T> {
    const pending =
      options === undefined
        ? new Pending<T>()
        : new Pending<T>(
            options,
            () => `${this.#name}: ${what}`,
            () => {
              // A timeout of 0 takes the buffered bytes; an abort takes nothing.
              const isServed = waiting.isLate && options.signal?.aborted !== true && this.#tryLate(waiting);
              if (!isServed) this.#stop();
            },
          ).holdLoop(this.#descriptor.holdsLoop(READABLE));
    const waiting: Waiting = { attempt, fill, pending: pending as Pending<unknown>, isLate };
    this.#waiting = waiting;
    try {
      this.#descriptor.waitReadable(this.#interest);
    } catch (error) {
      this.#fail(error);
    }
    if (isLate) {
      void nextShare().then(() => {
        if (this.#waiting === waiting) this.#tryLate(waiting);
      });
    }
    return pending.promise;
  }

  #tryLate(waiting: Waiting): boolean {
    waiting.isLate = false;
    return this.#settle(waiting, () => this.#incoming.tryNow(waiting.attempt, waiting.fill));
  }

  /** Settles the read if `take` gets its result. Returns whether it has settled. */
  #settle({ pending }: Waiting, take: () => unknown): boolean {
    try {
      const result = take();
      if (result === undefined) return false;
      this.#stop();
      pending.resolve(result);
    } catch (error) {
      this.#fail(error);
    }
    return true;
  }

  #fail(error: unknown): void {
    const waiting = this.#waiting;
    this.#stop();
    waiting?.pending.reject(error);
  }

  #stop(): void {
    this.#waiting = undefined;
    this.#descriptor.waitReadable(undefined);
  }

  /** While the descriptor refers to this, neither the functions of the waiting read nor their stream are collected. */
  readonly #interest: Interest = {
    ready: () => {
      this.#incoming.isDrained = false;
      // The read has not looked yet at the buffered bytes. If more came at each turn, they would grow without bound.
      if (this.#waiting?.isLate) return;
      while (this.#waiting?.fill()) {
        const { attempt } = this.#waiting;
        if (
          this.#settle(this.#waiting, () => this.#incoming.try(attempt)) ||
          this.#incoming.isDrained ||
          !this.#descriptor.mayReadNow
        )
          return;
      }
    },
    closed: () => {
      this.failAsClosed();
    },
  };

  /** Rejects the waiting read, if there is one. Call it before the descriptor is closed. */
  failAsClosed(): void {
    if (this.#waiting !== undefined) {
      this.#fail(new ClosedError(`${this.#name} was closed while a read waited`));
    }
  }

  /** Sets whether the timeout of the read that waits keeps the process alive. */
  holdLoop(holds: boolean): void {
    this.#waiting?.pending.holdLoop(holds);
  }

  get #name(): string {
    return this.#descriptor.toString();
  }
}

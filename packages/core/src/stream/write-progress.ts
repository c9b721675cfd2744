import { handled } from '../wait/handled.js';
import { Pending, type WaitOptions } from '../wait/pending.js';

const DONE = Promise.resolve();

/** A write waits until its own `data` has been written, or until there is `room` for it; `drain()` waits for `all`. */
export type WaitsFor = 'data' | 'room' | 'all';

/** One call that waits for bytes to go to the kernel. */
interface Waiter {
  /** Resolved when as many bytes in all have been written. */
  position: number;
  readonly pending: Pending<void>;
  readonly waitsFor: WaitsFor;
}

/** The progress of a writer: the bytes that it accepted, the bytes that the kernel took, and the waiting calls. */
export class Progress {
  accepted = 0;
  written = 0;
  /** Sorted by position. */
  #waiters: Waiter[] = [];
  /** The last waiter, if more calls may join it. */
  #shared: Waiter | undefined;

  get unflushed(): number {
    return this.accepted - this.written;
  }

  /**
   * Resolves when `position` bytes in all have been written.
   *
   * @param giveUp - called when the wait ends by its signal or timeout
   */
  reach(
    position: number,
    waitsFor: WaitsFor,
    options: WaitOptions | undefined,
    what: () => string,
    giveUp: () => void,
    holdsLoop: boolean,
  ): Promise<void> {
    if (this.written >= position) return DONE;
    this.#shared = undefined;
    const pending = new Pending<void>(options, what, () => {
      this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
      giveUp();
    }).holdLoop(holdsLoop);
    const waiter = { position, pending, waitsFor };
    // A small write waits for less than all that was accepted before it.
    let index = this.#waiters.length;
    while (index > 0 && (this.#waiters[index - 1] as Waiter).position > position) index--;
    this.#waiters.splice(index, 0, waiter);
    return handled(pending.promise);
  }

  /**
   * Resolves when all that was accepted has been written. Calls share one promise until {@link endSharing} or another wait:
   * a promise for each would cost more than a small message.
   */
  reachTogether(): Promise<void> {
    if (this.#shared === undefined) {
      this.#shared = { position: 0, pending: new Pending<void>(), waitsFor: 'all' };
      this.#waiters.push(this.#shared);
      handled(this.#shared.pending.promise);
    }
    this.#shared.position = this.accepted;
    return this.#shared.pending.promise;
  }

  /** The next {@link reachTogether} has a promise of its own. Call it before bytes are written. */
  endSharing(): void {
    this.#shared = undefined;
  }

  /** Resolves the calls whose bytes have all been written. */
  settle(): void {
    if (this.#waiters.length === 0) return;
    let done = 0;
    while (done < this.#waiters.length && (this.#waiters[done] as Waiter).position <= this.written) done++;
    for (const { pending } of this.#waiters.splice(0, done)) pending.resolve();
  }

  /** Takes the bytes from `start` to `end` out, which were accepted and cannot be written; rejects the calls that wait for them. */
  discard(start: number, end: number, error: Error): void {
    const length = end - start;
    this.accepted -= length;
    const lost: Waiter[] = [];
    this.#waiters = this.#waiters.filter((waiter) => {
      const { position, waitsFor } = waiter;
      if (waitsFor === 'all' ? position >= end : waitsFor === 'data' && position === end) {
        lost.push(waiter);
        return false;
      }
      waiter.position = position > end ? position - length : Math.min(position, start);
      return true;
    });
    for (const { pending } of lost) pending.reject(error);
  }

  /** Rejects all calls that wait, with one error, which is made only if there are any. Returns whether there were. */
  fail(makeError: () => Error): boolean {
    const waiters = this.#waiters.splice(0);
    if (waiters.length === 0) return false;
    const error = makeError();
    for (const { pending } of waiters) pending.reject(error);
    return true;
  }

  /** Nothing that was accepted is going to be written. */
  drop(): void {
    this.written = this.accepted;
  }

  holdLoop(holds: boolean): void {
    for (const { pending } of this.#waiters) pending.holdLoop(holds);
  }
}

import { type WaitOptions } from '@aiopipe/core';
import { handled, onAbort, abortError, Pending, refuse } from '@aiopipe/core/internal';
import { type Check } from '../channel/validation.js';
import { closeHandles } from '../moving/close-handles.js';

type Result = IteratorResult<unknown, unknown>;

/** The connection of {@link Items} with the peer. */
export interface ItemSource {
  /** Lets the peer send so many more items. */
  allow(count: number): void;
  /** Tells the peer that no more items are taken. */
  leave(reason: unknown): void;
}

/** The items of a peer's generator that have come and were not taken. The peer sends no more than it was allowed to. */
export class Items {
  readonly #source: ItemSource;
  readonly #window: number;
  readonly #options: WaitOptions | undefined;
  readonly #check: Check | undefined;
  readonly #what: () => string;
  #items: unknown[] = [];
  /** The calls of `next()` that wait. They hold the generator, which would end if it were collected. */
  #waiting: { readonly pending: Pending<Result>; readonly generator: object }[] = [];
  /** How many items the peer may still send. */
  #allowed = 0;
  /** How many were taken since the peer was last allowed more. */
  #taken = 0;
  #hasStarted = false;
  #end: { readonly value: unknown } | { readonly error: unknown } | undefined;
  #stopListening: (() => void) | undefined;

  constructor(
    source: ItemSource,
    window: number,
    options: WaitOptions | undefined,
    check: Check | undefined,
    what: () => string,
  ) {
    this.#source = source;
    this.#window = window;
    this.#options = options;
    this.#check = check;
    this.#what = what;
  }

  /** The loop has begun. */
  start(): void {
    if (this.#hasStarted || this.#end !== undefined) return;
    this.#hasStarted = true;
    const { signal } = this.#options ?? {};
    if (signal !== undefined) {
      this.#stopListening = onAbort(signal, () => {
        this.leave(signal.reason, abortError(signal, this.#what()));
      });
    }
    this.#allowed = this.#window;
    this.#source.allow(this.#window);
  }

  /** Takes in an item. Returns false if the peer was not allowed to send it. */
  add(item: unknown): boolean {
    if (this.#allowed === 0) return false;
    this.#allowed--;
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#items.push(item);
    else this.#give(item, waiting.pending);
    return true;
  }

  next(generator: object): Promise<Result> {
    this.start();
    const refusal = this.#end === undefined ? refuse(this.#options, undefined, this.#what) : undefined;
    if (refusal !== undefined) this.leave(refusal, refusal);
    const { timeout } = this.#options ?? {};
    const pending: Pending<Result> = new Pending(timeout === undefined ? undefined : { timeout }, this.#what, () => {
      this.#waiting = this.#waiting.filter((waiting) => waiting.pending !== pending);
      this.leave(undefined);
    });
    void handled(pending.promise);
    if (this.#items.length > 0) this.#give(this.#items.shift(), pending);
    else if (this.#end !== undefined) this.#giveEnd(pending);
    else this.#waiting.push({ pending, generator });
    return pending.promise;
  }

  #give(item: unknown, pending: Pending<Result>): void {
    this.#count();
    if (this.#check === undefined) {
      pending.resolve({ done: false, value: item });
      return;
    }
    void checked(this.#check, item).then(
      (value) => {
        pending.resolve({ done: false, value });
      },
      (error: unknown) => {
        closeHandles(item);
        this.leave(error);
        pending.reject(error);
      },
    );
  }

  /** Half of the window at once, so that few messages are about it and the peer need not wait. */
  #count(): void {
    if (this.#end !== undefined || ++this.#taken * 2 < this.#window) return;
    this.#allowed += this.#taken;
    this.#source.allow(this.#taken);
    this.#taken = 0;
  }

  #giveEnd(pending: Pending<Result>): void {
    const end = this.#end ?? { value: undefined };
    // An error comes once, as a generator's does.
    this.#end = { value: undefined };
    if ('error' in end) pending.reject(end.error);
    else pending.resolve({ done: true, value: end.value });
  }

  /** The generator returned. */
  finish(value: unknown): void {
    this.#over({ value });
  }

  /** The generator threw, or the channel has ended. */
  fail(error: unknown): void {
    this.#over({ error });
  }

  /** No more items are wanted. The next `next()` rejects with `error`, or has the end. */
  leave(reason: unknown, error?: unknown): void {
    if (this.#end !== undefined && this.#items.length === 0) return;
    const hadEnded = this.#end !== undefined;
    for (const item of this.#items.splice(0)) closeHandles(item);
    this.#end = undefined;
    this.#over(error === undefined ? { value: undefined } : { error });
    if (!hadEnded) this.#source.leave(reason);
  }

  #over(end: { readonly value: unknown } | { readonly error: unknown }): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#stopListening?.();
    for (const { pending } of this.#waiting.splice(0)) this.#giveEnd(pending);
  }
}

async function checked(check: Check, item: unknown): Promise<unknown> {
  return check(item);
}

import { handled, LoopIterator } from '@aiopipe/core/internal';
import { type Items } from './items.js';

/** Tells the peer that a generator was dropped before its end. */
const dropped = new FinalizationRegistry<Items>((items) => {
  items.leave(undefined);
});

/** A generator of the other side. Nothing of the channel refers to it, so that one that the program drops ends there, too. */
export class RemoteGenerator extends LoopIterator<unknown> {
  readonly #items: Items;

  constructor(items: Items) {
    super();
    this.#items = items;
    dropped.register(this, items);
  }

  override next(): Promise<IteratorResult<unknown, void>> {
    return this.#items.next(this) as Promise<IteratorResult<unknown, void>>;
  }

  /** Ends the generator on the other side, without waiting for that: it may be at an `await`. */
  override return(value?: unknown): Promise<IteratorResult<unknown, void>> {
    this.#items.leave(undefined);
    return handled(Promise.resolve({ done: true, value: value as undefined }));
  }

  override [Symbol.asyncIterator](): this {
    this.#items.start();
    return this;
  }
}

import { handled, LOOP_END, LoopIterator } from '@aiopipe/core/internal';
import { EndOfStreamError } from '../errors.js';
import { NOTHING } from './incoming-messages.js';

/** A source of messages. */
export interface MessageSource<Message> {
  /** Resolves with the next message. Rejects with EndOfStreamError after the last one. */
  get(): Promise<Message>;
  /** Returns the next message if it needs no wait, else {@link NOTHING}. Throws what `get()` would reject with. */
  getNow(): unknown;
}

/**
 * Iterates over the messages of a channel until the peer closes. A message that is there costs one promise; an async generator
 * would make each wait for several turns of the microtask queue.
 */
export class MessageIterator<Message> extends LoopIterator<Message> {
  readonly #source: MessageSource<Message>;
  #isOver = false;

  constructor(source: MessageSource<Message>) {
    super();
    this.#source = source;
  }

  override next(): Promise<IteratorResult<Message, void>> {
    if (this.#isOver) return Promise.resolve(LOOP_END);
    try {
      const value = this.#source.getNow();
      if (value !== NOTHING) return Promise.resolve({ done: false, value: value as Message });
    } catch (error) {
      return this.#endedBy(error);
    }
    return handled(this.#source.get().then(given<Message>, (error: unknown) => this.#endedBy(error)));
  }

  #endedBy(error: unknown): Promise<IteratorResult<Message, void>> {
    this.#isOver = true;
    return error instanceof EndOfStreamError ? Promise.resolve(LOOP_END) : handled(Promise.reject(error as Error));
  }

  /** Leaves the channel open. Its next message is the one after the last that was given. */
  override return(): Promise<IteratorResult<Message, void>> {
    this.#isOver = true;
    return Promise.resolve(LOOP_END);
  }
}

function given<Message>(value: Message): IteratorResult<Message, void> {
  return { done: false, value };
}

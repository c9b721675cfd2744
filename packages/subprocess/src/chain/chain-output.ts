import { handled, LOOP_END, LoopIterator } from '@aiopipe/core/internal';

/**
 * The output of a chain, for one loop. It gives what a generator gives. But `return()` of a generator waits for a `next()`
 * that waits, which may be for ever; here it ends the chain, and the `next()` gets the end.
 */
export class ChainOutput<T> extends LoopIterator<T> {
  readonly #pieces: AsyncGenerator<T, void, undefined>;
  readonly #stop: () => void;
  readonly #onLeave: () => void;
  #waiting = 0;
  #hasLeft = false;

  /**
   * @param stop - ends the chain, so that the generator comes to its end
   * @param onLeave - called at `return()`, which may come before the start
   */
  constructor(pieces: AsyncGenerator<T, void, undefined>, stop: () => void, onLeave: () => void) {
    super();
    this.#pieces = pieces;
    this.#stop = stop;
    this.#onLeave = onLeave;
  }

  override next(): Promise<IteratorResult<T, void>> {
    return handled(this.#next());
  }

  async #next(): Promise<IteratorResult<T, void>> {
    this.#waiting++;
    try {
      return await this.#pieces.next();
    } catch (error) {
      if (this.#hasLeft) return LOOP_END;
      throw error;
    } finally {
      this.#waiting--;
    }
  }

  /** Ends the chain; resolves when nothing of it runs. */
  override return(): Promise<IteratorResult<T, void>> {
    return handled(this.#leave());
  }

  async #leave(): Promise<IteratorResult<T, void>> {
    this.#hasLeft = true;
    this.#onLeave();
    if (this.#waiting > 0) this.#stop();
    await this.#pieces.return();
    return LOOP_END;
  }
}

import { LOOP_END, LoopIterator } from '@aiopipe/core/internal';

/**
 * What a chain gives, for one loop. It is the generator that it is made of, but for this: to leave that while a `next()`
 * waits would wait for what may never come; here it ends the chain, and the `next()` gets the end.
 */
export class ChainOutput<T> extends LoopIterator<T> {
  readonly #pieces: AsyncGenerator<T, void, undefined>;
  readonly #stop: () => void;
  readonly #onLeave: () => void;
  #waiting = 0;
  #hasLeft = false;

  /**
   * @param stop - ends the chain, so that the generator comes to its end
   * @param onLeave - called when no more is wanted, which may be before the start
   */
  constructor(pieces: AsyncGenerator<T, void, undefined>, stop: () => void, onLeave: () => void) {
    super();
    this.#pieces = pieces;
    this.#stop = stop;
    this.#onLeave = onLeave;
  }

  override async next(): Promise<IteratorResult<T, void>> {
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

  /** Resolves when nothing of the chain is left. */
  override async return(): Promise<IteratorResult<T, void>> {
    this.#hasLeft = true;
    this.#onLeave();
    if (this.#waiting > 0) this.#stop();
    await this.#pieces.return();
    return LOOP_END;
  }
}

const END: IteratorResult<never, undefined> = { done: true, value: undefined };

/**
 * What a chain gives, for one loop. It is the generator that it is made of, but for this: to leave that while a `next()`
 * waits would wait for what may never come; here it ends the chain, and the `next()` gets the end.
 */
export class ChainOutput<T> implements AsyncGenerator<T, void, undefined> {
  readonly #pieces: AsyncGenerator<T, void, undefined>;
  readonly #stop: () => void;
  #waiting = 0;
  #hasLeft = false;

  /** @param stop - ends the chain, so that the generator comes to its end */
  constructor(pieces: AsyncGenerator<T, void, undefined>, stop: () => void) {
    this.#pieces = pieces;
    this.#stop = stop;
  }

  async next(): Promise<IteratorResult<T, void>> {
    this.#waiting++;
    try {
      return await this.#pieces.next();
    } catch (error) {
      if (this.#hasLeft) return END;
      throw error;
    } finally {
      this.#waiting--;
    }
  }

  /** Resolves when nothing of the chain is left. */
  async return(): Promise<IteratorResult<T, void>> {
    this.#hasLeft = true;
    if (this.#waiting > 0) this.#stop();
    await this.#pieces.return();
    return END;
  }

  async throw(error: unknown): Promise<IteratorResult<T, void>> {
    await this.return();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

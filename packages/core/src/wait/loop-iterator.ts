/** The result of `next()` and `return()` at the end. */
export const LOOP_END: IteratorResult<never, undefined> = { done: true, value: undefined };

/** The base of all async iterators that are not generators. A subclass has `next()` and `return()`. */
export abstract class LoopIterator<T> implements AsyncGenerator<T, void, undefined> {
  abstract next(): Promise<IteratorResult<T, void>>;

  abstract return(): Promise<IteratorResult<T, void>>;

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

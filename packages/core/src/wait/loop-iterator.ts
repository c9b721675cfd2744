/** What `next()` and `return()` give at the end. */
export const LOOP_END: IteratorResult<never, undefined> = { done: true, value: undefined };

/** What every async iterator of ours that is no generator has beside its own two methods. */
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

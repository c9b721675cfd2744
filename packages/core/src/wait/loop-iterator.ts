import { handled } from './handled.js';

/** The result of `next()` and `return()` at the end. */
export const LOOP_END: IteratorResult<never, undefined> = { done: true, value: undefined };

/**
 * The base of all async iterators. A subclass has `next()` and `return()`, and marks what they return as handled: an unawaited
 * rejection does not end the program.
 */
export abstract class LoopIterator<T> implements AsyncGenerator<T, void, undefined> {
  abstract next(): Promise<IteratorResult<T, void>>;

  abstract return(): Promise<IteratorResult<T, void>>;

  throw(error: unknown): Promise<IteratorResult<T, void>> {
    return handled(
      this.return().then(() => {
        throw error;
      }),
    );
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return handled(this.return().then(() => undefined));
  }
}

/** An async generator as a loop sees it. */
export class GeneratorLoop<T> extends LoopIterator<T> {
  readonly #generator: AsyncGenerator<T, void, undefined>;

  constructor(generator: AsyncGenerator<T, void, undefined>) {
    super();
    this.#generator = generator;
  }

  override next(): Promise<IteratorResult<T, void>> {
    return handled(this.#generator.next());
  }

  override return(): Promise<IteratorResult<T, void>> {
    return handled(this.#generator.return());
  }

  override throw(error: unknown): Promise<IteratorResult<T, void>> {
    return handled(this.#generator.throw(error));
  }
}

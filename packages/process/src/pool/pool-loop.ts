import { handled, LoopIterator } from '@aiopipe/core/internal';

/**
 * The results of a pool's async generator. A promise is marked as handled only when its successor is asked for, or when the
 * generator fails: until then the caller's `await` must be its only reaction, or V8 would not find the caller's frames.
 */
export class PoolLoop<T> extends LoopIterator<T> {
  readonly #generator: AsyncGenerator<T, void, undefined>;
  #last: Promise<unknown> | undefined;
  #hasEnded = false;

  /** @param make - makes the generator, which calls `onEnd` before it throws */
  constructor(make: (onEnd: () => void) => AsyncGenerator<T, void, undefined>) {
    super();
    this.#generator = make(() => {
      this.#hasEnded = true;
      this.#markLast();
    });
  }

  #markLast(): void {
    if (this.#last !== undefined) void handled(this.#last);
  }

  override next(): Promise<IteratorResult<T, void>> {
    this.#markLast();
    const next = this.#generator.next();
    this.#last = next;
    if (this.#hasEnded) this.#markLast();
    return next;
  }

  override return(): Promise<IteratorResult<T, void>> {
    return handled(this.#generator.return());
  }

  override throw(error: unknown): Promise<IteratorResult<T, void>> {
    return handled(this.#generator.throw(error));
  }
}

/** Does one thing after another, in the order in which they were asked for. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();
  readonly #afterEach: () => void;

  /** @param afterEach - called after each thing that was done or has failed; must not throw */
  constructor(afterEach: () => void) {
    this.#afterEach = afterEach;
  }

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.then(this.#afterEach, this.#afterEach);
    return result;
  }
}

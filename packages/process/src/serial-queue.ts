/** Does one thing after another, in the order in which they were asked for; at once where nothing is being done. */
export class SerialQueue {
  #last: Promise<void> | undefined;

  /** The promise needn't be awaited. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last === undefined ? task() : this.#last.then(task);
    const done = result.then(
      () => undefined,
      () => undefined,
    );
    this.#last = done;
    void done.then(() => {
      if (this.#last === done) this.#last = undefined;
    });
    return result;
  }
}

/** What all streams have. */
interface Writing {
  write(chunk: unknown, encoding?: unknown, done?: (...result: unknown[]) => void): boolean;
}

/**
 * The writes of a stream that have not completed. Bun's stdout and stderr tell by the callbacks of their writes alone what they still
 * hold: their `writableLength` is always 0, and the callback of an empty write does not wait for the writes before it.
 */
export class RunningWrites {
  #count = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(stream: Writing) {
    const { write } = stream;
    stream.write = (chunk, encoding, callback) => {
      const done = typeof encoding === 'function' ? (encoding as typeof callback) : callback;
      this.#count++;
      let isRunning = true;
      const settle = () => {
        if (!isRunning) return;
        isRunning = false;
        this.#count--;
        if (this.#count === 0) for (const resolve of this.#waiting.splice(0)) resolve();
      };
      try {
        return write.call(stream, chunk, typeof encoding === 'function' ? undefined : encoding, (...result) => {
          settle();
          done?.(...result);
        });
      } catch (error) {
        settle();
        throw error;
      }
    };
  }

  /** Resolves when all have completed, well or not. */
  async settled(): Promise<void> {
    while (this.#count > 0) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }
}

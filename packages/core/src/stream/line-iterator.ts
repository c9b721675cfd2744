import { LOOP_END, LoopIterator } from '../wait/loop-iterator.js';

/**
 * Iterates over the lines of a reader. A line that is there costs one promise; in an async generator it would wait for
 * several turns of the microtask queue. If several calls wait, each one waits for the one before.
 */
export class LineIterator extends LoopIterator<string> {
  readonly #take: () => string | undefined;
  readonly #read: () => Promise<Buffer | string>;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();
  #isOver = false;

  /**
   * @param take - returns the next line, if it is there and no error comes before it
   * @param read - resolves with the next line: a string, or bytes with their newline; with empty bytes at the end
   */
  constructor(take: () => string | undefined, read: () => Promise<Buffer | string>) {
    super();
    this.#take = take;
    this.#read = read;
  }

  override next(): Promise<IteratorResult<string, void>> {
    if (this.#waiting === 0 && !this.#isOver) {
      const line = this.#take();
      if (line !== undefined) return Promise.resolve({ done: false, value: line });
    }
    const previous = this.#last;
    const result = this.#waitFor(previous);
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #waitFor(previous: Promise<unknown>): Promise<IteratorResult<string, void>> {
    this.#waiting++;
    try {
      await previous;
      if (this.#isOver) return LOOP_END;
      const line = await this.#read();
      if (typeof line === 'string') return { done: false, value: line };
      if (line.length > 0) {
        return { done: false, value: line.toString('utf8', 0, line.at(-1) === 10 ? line.length - 1 : line.length) };
      }
      this.#isOver = true;
      return LOOP_END;
    } catch (error) {
      this.#isOver = true;
      throw error;
    } finally {
      this.#waiting--;
    }
  }

  /** Ends the loop. The reader stays open: its next line is the one after the last that was taken. */
  override async return(): Promise<IteratorResult<string, void>> {
    await this.#last;
    this.#isOver = true;
    return LOOP_END;
  }
}

import { LOOP_END, LoopIterator } from '../wait/loop-iterator.js';

/**
 * The lines of a reader. Those that are there cost one promise each and no more; an async generator makes each of them
 * wait for several turns of the microtask queue. Of several calls at once each waits for the one before.
 */
export class LineIterator extends LoopIterator<string> {
  readonly #take: () => string | undefined;
  readonly #read: () => Promise<Buffer | string>;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();
  #isOver = false;

  /**
   * @param take - the next line, if it is there and nothing else is to be said
   * @param read - the next line with its newline, when it comes; empty at the end
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

  /** The reader stays open: its next line is the one after the last that was given. */
  override async return(): Promise<IteratorResult<string, void>> {
    await this.#last;
    this.#isOver = true;
    return LOOP_END;
  }
}

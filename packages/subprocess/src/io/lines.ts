import { LineTooLongError } from '@aiopipe/core';
import { handled, isThenable, LOOP_END, LoopIterator, nextTurn, show } from '@aiopipe/core/internal';
import { type CheckedRecordOptions } from './record-options.js';
import { type RecordSplitter } from './records.js';

/**
 * Yields each time there may be records to take. Throws {@link LineTooLongError} for one that is over the limit.
 *
 * @param source - names the source of the records in messages
 */
export async function* feedRecords(
  splitter: RecordSplitter<unknown>,
  next: (room: Buffer | undefined) => Promise<IteratorResult<Buffer, unknown>>,
  source: string,
  { maxLineLength }: CheckedRecordOptions,
): AsyncGenerator<undefined, void, undefined> {
  for (let chunk = await next(splitter.room); chunk.done !== true; chunk = await next(splitter.room)) {
    const { value: bytes } = chunk;
    const { pieceSize } = splitter;
    for (let at = 0; at < bytes.length; at += pieceSize) {
      // A chunk may be large, and all of it separators: the event loop gets a turn after each piece.
      if (at > 0) await nextTurn();
      splitter.push(bytes.length <= pieceSize ? bytes : bytes.subarray(at, at + pieceSize));
      yield;
      const { tooLong } = splitter;
      if (tooLong === undefined) continue;
      throw new LineTooLongError(
        `${source}: more than ${String(maxLineLength)} bytes arrived without the end of a line (maxLineLength); ` +
          'they are in the `partial` field of this error',
        maxLineLength,
        Buffer.concat([tooLong, bytes.subarray(at + pieceSize)]),
      );
    }
  }
  splitter.end();
  yield;
}

/**
 * Lines (or other records) as they come, for one loop: `for await`, or `forEach()`, which is several times as fast.
 * Leaving the loop early, `return()` and disposal end their source.
 *
 * @example
 * ```ts
 * import { pipeline } from '@aiopipe/subprocess';
 *
 * let longest = '';
 * await pipeline(['printf', 'pipe\nstream\nend\n'])
 *   .lines()
 *   .forEach((line) => {
 *     if (line.length > longest.length) longest = line;
 *   });
 * console.log(longest);
 * ```
 * ```text
 * stream
 * ```
 */
export interface Lines<T extends string | Buffer> extends AsyncGenerator<T, void, undefined> {
  /**
   * Calls `callback` for each line; it is several times as fast as a loop. If `callback` returns a promise or a chain, it is
   * awaited before the next line. Resolves after the last line. Rejects if a loop would throw, or if `callback` throws.
   */
  forEach(callback: (line: T) => unknown): Promise<void>;
}

/**
 * It is no async generator: in one, each line waits for several turns of the microtask queue, though it is there. Here
 * it waits for one.
 */
export class LineIterator<T extends string | Buffer> extends LoopIterator<T> implements Lines<T> {
  readonly #splitter: RecordSplitter<T>;
  readonly #source: AsyncIterator<unknown, unknown>;
  /** Set while more is on its way to the splitter; resolves with false at the end. */
  #coming: Promise<boolean> | undefined;
  #isOver = false;

  /** @param source - each step pushes more to the splitter, or its end */
  constructor(splitter: RecordSplitter<T>, source: AsyncIterator<unknown, unknown>) {
    super();
    this.#splitter = splitter;
    this.#source = source;
  }

  override next(): Promise<IteratorResult<T, void>> {
    // While one call waits, later ones queue up behind it.
    if (this.#coming === undefined) {
      const record = this.#take();
      if (record !== undefined) return Promise.resolve({ done: false, value: record });
    }
    return handled(this.#later());
  }

  async #later(): Promise<IteratorResult<T, void>> {
    return (await this.#more()) ? this.next() : LOOP_END;
  }

  #take(): T | undefined {
    return this.#isOver ? undefined : this.#splitter.take();
  }

  /** Resolves with false at the end. */
  #more(): Promise<boolean> {
    return (this.#coming ??= this.#advance());
  }

  async #advance(): Promise<boolean> {
    try {
      if (!this.#isOver) this.#isOver = (await this.#source.next()).done === true;
    } catch (error) {
      // After return() the iterator yields no more.
      if (!this.#isOver) {
        this.#isOver = true;
        throw error;
      }
    } finally {
      this.#coming = undefined;
    }
    return !this.#isOver;
  }

  async forEach(callback: (line: T) => unknown): Promise<void> {
    if (typeof callback !== 'function') {
      throw new TypeError(`forEach: expected a function that takes a line, not ${show(callback)}`);
    }
    try {
      do {
        for (let record = this.#take(); record !== undefined; record = this.#take()) {
          const result = callback(record);
          if (isThenable(result)) await result;
        }
      } while (await this.#more());
    } finally {
      await this.return();
    }
  }

  override return(): Promise<IteratorResult<T, void>> {
    return handled(this.#leave());
  }

  async #leave(): Promise<IteratorResult<T, void>> {
    this.#isOver = true;
    await this.#source.return?.();
    return LOOP_END;
  }
}

import { LineTooLongError } from '../errors.js';
import { ByteQueue, MAX_DECODED } from './byte-queue.js';
import { separatorSearch } from './separator-search.js';

export interface RecordOptions {
  /** Bytes, at least one. */
  readonly separator: Uint8Array;
  /** Records are strings, or Buffers with `buffer`. */
  readonly encoding: 'utf8' | 'latin1' | 'buffer';
  /** The most bytes of a record, with its separator. */
  readonly maxLineLength: number;
}

/** Cuts bytes into lines, or other records, however they come: {@link push} what comes, {@link take} what there is. */
export class Records<T extends string | Buffer> {
  readonly #queue: ByteQueue;
  readonly #options: RecordOptions;
  readonly #name: () => string;
  /** Whether whole chunks can be decoded at once: no character has a part that looks like the separator. */
  readonly #isFast: boolean;
  readonly #search: () => number | undefined;
  #hasEnded = false;

  /** @param name - where the records come from, as messages name it */
  constructor(options: RecordOptions, name: () => string) {
    const { separator, encoding, maxLineLength } = options;
    this.#options = options;
    this.#name = name;
    this.#isFast = encoding !== 'buffer' && separator.length === 1 && maxLineLength >= MAX_DECODED;
    this.#queue = new ByteQueue(separator[0], encoding === 'buffer' ? 'utf8' : encoding);
    const wanted = { bytes: separator, limit: Infinity, most: maxLineLength };
    this.#search = separatorSearch(this.#queue, wanted, this.#tooLong);
  }

  readonly #tooLong = (): never => {
    const { maxLineLength } = this.#options;
    throw new LineTooLongError(
      `${this.#name()}: more than ${String(maxLineLength)} bytes arrived without the end of a line (maxLineLength); ` +
        'they are in the `partial` field of this error',
      maxLineLength,
      this.#queue.take(this.#queue.length),
    );
  };

  /** Adds bytes. They are not copied: do not change them afterwards. */
  push(chunk: Buffer): void {
    this.#queue.push(chunk);
  }

  /** Nothing more comes: the bytes after the last separator are a record, if there are any. */
  end(): void {
    this.#hasEnded = true;
  }

  /**
   * Takes the next record, without its separator. Returns undefined until more bytes come. Throws {@link LineTooLongError}
   * if a record is too long; its `partial` field has all bytes that were not taken.
   */
  take(): T | undefined {
    const line = this.#isFast ? this.#queue.takeLine() : undefined;
    if (line !== undefined) return line as T;
    if (this.#queue.length === 0) return undefined;
    const count = this.#search();
    if (count !== undefined) return this.#made(this.#queue.take(count, this.#options.separator.length));
    return this.#hasEnded ? this.#made(this.#queue.take(this.#queue.length)) : undefined;
  }

  #made(bytes: Buffer): T {
    const { encoding } = this.#options;
    return (encoding === 'buffer' ? bytes : bytes.toString(encoding)) as T;
  }

  /** Drops all bytes that were not taken. */
  drop(): void {
    this.#queue.take(this.#queue.length);
  }
}

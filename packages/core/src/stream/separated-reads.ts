import { constants } from 'node:buffer';
import { MAX_DECODED } from './byte-queue.js';
import { LineTooLongError } from '../errors.js';
import { type Incoming } from './incoming-bytes.js';
import { type OptionNames } from '../check/options.js';
import { type PendingRead } from './pending-read.js';
import { separatorSearch } from './separator-search.js';
import { WAIT_OPTIONS, type WaitOptions } from '../wait/pending.js';

export const NEWLINE = Buffer.from('\n');

interface ReadToOptions {
  /** The number of bytes that are enough if the separator does not come before. */
  readonly limit?: number;
  readonly names?: OptionNames<WaitOptions>;
}

/** The reads of a stream that end at a separator, most of all at a newline. */
export class SeparatedReads {
  readonly #incoming: Incoming;
  readonly #read: PendingRead;
  readonly #maxLineLength: number;
  readonly #name: () => string;

  /** @param name - names the stream in messages. It refers to the stream, so the stream is not collected while a read waits. */
  constructor(incoming: Incoming, read: PendingRead, maxLineLength: number, name: () => string) {
    this.#incoming = incoming;
    this.#read = read;
    this.#maxLineLength = maxLineLength;
    this.#name = name;
  }

  /** Reads up to a separator, and the separator. At the end of the stream, `atEnd` takes the remaining bytes, or throws. */
  readTo(
    separator: Uint8Array,
    options: WaitOptions | undefined,
    atEnd: () => Buffer | undefined,
    { limit = Infinity, names = WAIT_OPTIONS }: ReadToOptions = {},
  ): Promise<Buffer> {
    const most = this.#maxLineLength;
    const search = separatorSearch(this.#incoming.queue, { bytes: separator, limit, most }, () => this.#tooLong(most));
    return this.#read.start(
      () => this.#takeFound(search()) ?? (this.#incoming.ended ? atEnd() : undefined),
      options,
      'the separator did not arrive',
      this.#incoming.fill,
      names,
    );
  }

  /** Reads a line as a string, or as bytes with their newline if it does not lie in one piece. Resolves with empty bytes at the end. */
  nextLine(options: WaitOptions | undefined): Promise<Buffer | string> {
    const { queue } = this.#incoming;
    const most = Math.min(this.#maxLineLength, constants.MAX_STRING_LENGTH);
    const search = separatorSearch(queue, { bytes: NEWLINE, limit: Infinity, most }, () => this.#tooLong(most));
    const takeLine = this.canTakeLines ? () => queue.takeLine() : () => undefined;
    return this.#read.start<Buffer | string>(
      () => takeLine() ?? this.#takeFound(search()) ?? this.#incoming.all(),
      options,
      'the separator did not arrive',
    );
  }

  /** Whether lines may be taken without a look at their length: none of those that the queue decodes is too long. */
  get canTakeLines(): boolean {
    return this.#maxLineLength >= MAX_DECODED;
  }

  #takeFound(count: number | undefined): Buffer | undefined {
    return count === undefined ? undefined : this.#incoming.queue.take(count);
  }

  /** The bytes of the line stay in the queue: `read()` gets them. */
  #tooLong(most: number): never {
    const limit = most === this.#maxLineLength ? 'maxLineLength' : 'a string cannot hold more';
    throw new LineTooLongError(
      `${this.#name()}: more than ${String(most)} bytes arrived without the end of a line (${limit}); ` +
        'read() still returns them',
      most,
    );
  }
}

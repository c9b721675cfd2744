import { type Readable } from 'node:stream';
import { lossOfMemory } from './loss-of-memory.js';
import { closeSideWhenDropped, forget } from '../fd/collector.js';
import { type Descriptor } from '../fd/descriptor.js';
import { BusyError, IncompleteReadError } from '../errors.js';
import { moveOfHalf, type MovedReader } from './moving.js';
import { HANDLE, HANDLE_IN_JSON, type Move } from '../move/handle.js';
import { Incoming } from './incoming-bytes.js';
import { GeneratorLoop } from '../wait/loop-iterator.js';
import { LineIterator } from './line-iterator.js';
import { READABLE, WRITABLE } from '../fd/native.js';
import { nodeReadable } from './node-streams.js';
import { optionNames } from '../check/options.js';
import { PendingRead } from './pending-read.js';
import { maxLineLength, type ReaderOptions } from './reader-options.js';
import { NEWLINE, SeparatedReads } from './separated-reads.js';
import { separatorBytes } from './separator-search.js';
import { show } from '../check/show.js';
import { refuse, type WaitOptions } from '../wait/pending.js';
import { mayAnswerNow } from '../wait/turn.js';
import { readableStream } from './web-streams.js';

const LINE_OPTIONS = optionNames<WaitOptions & { readonly size?: number | undefined }>({
  signal: true,
  timeout: true,
  size: true,
});

/** Returns a copy of the bytes that arrived and were not taken. The next read still gets them. @internal */
export let bytesAhead: (reader: PipeReader) => Buffer;

/**
 * Reads the bytes of an opened pipe in order.
 *
 * One call reads at a time: another one rejects with {@link BusyError}. An abort or a timeout loses nothing: the next call
 * gets the bytes. A call that waits keeps the process alive; an idle reader does not.
 *
 * @example
 * ```ts
 * import { popen } from '@aiopipe/subprocess';
 *
 * await using program = popen(['printf', 'header\nbody\n'], { stdout: 'pipe' });
 * await using reader = program.stdout.open();
 * console.log(String(await reader.readLine()).trim());
 * for await (const line of reader.lines()) console.log(line);
 * ```
 * ```text
 * header
 * body
 * ```
 */
export class PipeReader {
  readonly #descriptor: Descriptor;
  readonly #incoming: Incoming;
  readonly #read: PendingRead;
  readonly #separated: SeparatedReads;
  readonly #maxLineLength: number;

  static {
    bytesAhead = (reader) => reader.#incoming.queue.bytes;
  }

  private constructor(descriptor: Descriptor, options: ReaderOptions & Partial<MovedReader> = {}) {
    this.#maxLineLength = maxLineLength(options);
    this.#descriptor = descriptor;
    this.#incoming = new Incoming(descriptor);
    if (options.ahead !== undefined) this.#incoming.queue.push(Buffer.from(options.ahead));
    this.#incoming.ended = options.ended === true;
    this.#read = new PendingRead(descriptor, this.#incoming);
    this.#separated = new SeparatedReads(this.#incoming, this.#read, this.#maxLineLength, () => this.name);
    if (this.#isOpen) closeSideWhenDropped(this, descriptor, READABLE);
  }

  /** @internal */
  static make(descriptor: Descriptor, options?: ReaderOptions & Partial<MovedReader>): PipeReader {
    return new PipeReader(descriptor, options);
  }

  /** Whether all bytes were read and the peer has closed. It becomes true when a read meets the end of the stream. */
  get atEof(): boolean {
    return this.#incoming.ended && this.#incoming.queue.length === 0;
  }

  /**
   * Reads bytes. With a `size`, resolves with at least one byte and at most `size`; with an empty Buffer at the end of
   * the stream. Without one, resolves with all bytes until the end of the stream.
   */
  read(size?: number, options?: WaitOptions): Promise<Buffer> {
    if (size === undefined)
      return this.#read.start(() => this.#incoming.all(), options, 'the end of the stream did not arrive');
    const refusal = refuseSize(size);
    if (refusal !== undefined) return Promise.reject(refusal);
    return this.#read.start(() => this.#incoming.some(size), options, 'nothing came');
  }

  /**
   * Reads bytes into `view`. Resolves with the number of bytes; with 0 at the end of the stream. It allocates nothing: a
   * loop over one buffer is the fastest way to read. Do not use the view until the promise settles.
   */
  readInto(view: ArrayBufferView, options?: WaitOptions): Promise<number> {
    if (!ArrayBuffer.isView(view)) {
      return Promise.reject(new TypeError(`view: expected a Buffer or another view, not ${show(view)}`));
    }
    if (lossOfMemory(view) !== undefined || view.byteLength === 0)
      return Promise.reject(new RangeError('view: expected room for at least one byte'));
    const bytes = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
    const size = bytes.length;
    let count: number | undefined;
    return this.#read.start(
      () => {
        if (bytes.length !== size) {
          throw new TypeError(`${this.name}: the memory to read into was transferred or made smaller meanwhile`);
        }
        if (count !== undefined && count > 0) return count;
        return this.#incoming.some(bytes.length)?.copy(bytes);
      },
      options,
      'nothing came',
      () => {
        // Nothing is read, and nothing of the stream is lost: the attempt that follows says so.
        if (bytes.length !== size) return true;
        count = this.#incoming.receive(bytes, 0, size);
        return count >= 0;
      },
    );
  }

  /** Reads exactly `size` bytes. Rejects with {@link IncompleteReadError}, which has them as `partial`, if the stream ends before. */
  readExactly(size: number, options?: WaitOptions): Promise<Buffer> {
    if (!Number.isInteger(size) || size < 0) {
      return Promise.reject(new RangeError(`size: expected a whole number of bytes, 0 or more, not ${show(size)}`));
    }
    return this.#read.start(
      () => {
        if (this.#incoming.queue.length >= size) return this.#incoming.queue.take(size);
        if (!this.#incoming.ended) return undefined;
        const partial = this.#incoming.queue.take(this.#incoming.queue.length);
        throw new IncompleteReadError(
          `${this.name} ended after ${String(partial.length)} of ${String(size)} bytes`,
          partial,
          size,
        );
      },
      options,
      `${String(size)} bytes did not arrive`,
    );
  }

  /**
   * Reads a line with its newline. The last line may have none; after it, resolves with an empty Buffer. With a `size`,
   * resolves with at most as many bytes: the next call goes on in the same line.
   */
  readLine(options?: WaitOptions & { readonly size?: number | undefined }): Promise<Buffer> {
    const { size = Infinity } = options ?? {};
    const refusal = refuseSize(size);
    if (refusal !== undefined) return Promise.reject(refusal);
    return this.#separated.readTo(NEWLINE, options, () => this.#incoming.all(), { limit: size, names: LINE_OPTIONS });
  }

  /** Reads all bytes up to `separator`, and the separator. Rejects with {@link IncompleteReadError} if the stream ends before. */
  readUntil(separator: string | Uint8Array, options?: WaitOptions): Promise<Buffer> {
    let bytes: Buffer;
    try {
      bytes = separatorBytes(separator);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    return this.#separated.readTo(bytes, options, () => {
      const partial = this.#incoming.queue.take(this.#incoming.queue.length);
      throw new IncompleteReadError(`${this.name} ended before the separator arrived`, partial);
    });
  }

  /** Iterates over chunks as they come. If a loop ends early, the reader stays open, and no byte is lost. */
  [Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    return new GeneratorLoop(this.#chunks());
  }

  async *#chunks(): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const chunk = await this.#read.start(() => this.#chunk(), undefined, '');
      if (chunk.length === 0) return;
      yield chunk;
    }
  }

  #chunk(): Buffer | undefined {
    return this.#incoming.some(Math.max(1, this.#incoming.queue.firstLength));
  }

  /**
   * Iterates over lines as strings, without their newline. UTF-8 characters may come in several parts. After a loop that
   * ends early, the reader is still open: its next line is the one after the last that was taken.
   */
  lines(options?: WaitOptions): AsyncGenerator<string, void, undefined> {
    return new LineIterator(
      () => this.#lineNow(options),
      () => this.#separated.nextLine(options),
    );
  }

  /** Returns undefined if no line is buffered, or if {@link SeparatedReads.nextLine} must check or wait first. */
  #lineNow(options: WaitOptions | undefined): string | undefined {
    if (!this.#isOpen || this.#read.isWaiting || !this.#separated.canTakeLines) return undefined;
    if (options !== undefined && refuse(options) !== undefined) return undefined;
    return mayAnswerNow() ? this.#incoming.queue.takeLine() : undefined;
  }

  /** Returns a web stream that owns this reader. It reads only when a chunk is asked for. */
  toWeb(): ReadableStream<Uint8Array> {
    return readableStream(this);
  }

  /** Returns a Node.js stream that owns this reader. It reads only when a chunk is asked for. */
  toNode(): Readable {
    return nodeReadable(this);
  }

  get #isOpen(): boolean {
    return this.#descriptor.isOpenFor(READABLE);
  }

  /** The name in messages. @internal */
  get name(): string {
    return this.#descriptor.toString();
  }

  /** A read that waits keeps the process alive, which is the default. */
  ref(): this {
    this.#descriptor.holdLoop(READABLE, true);
    this.#read.holdLoop(true);
    return this;
  }

  /** A read that waits no longer keeps the process alive. */
  unref(): this {
    this.#descriptor.holdLoop(READABLE, false);
    this.#read.holdLoop(false);
    return this;
  }

  /** @internal */
  [HANDLE](): Move {
    return moveOfHalf('PipeReader', this, this.#descriptor, WRITABLE);
  }

  /** Throws if it cannot move now. @internal */
  checkMovable(): void {
    if (!this.#isOpen) throw this.#descriptor.closedError();
    if (this.#read.isWaiting) throw new BusyError(`${this.name} cannot be moved while a read waits; await it first`);
  }

  /** Returns the state for the next owner. @internal */
  pack(): MovedReader {
    return { maxLineLength: this.#maxLineLength, ahead: this.#incoming.queue.bytes, ended: this.#incoming.ended };
  }

  /** Returns a string that names this reader: a handle cannot travel as JSON. */
  toJSON(): string {
    return HANDLE_IN_JSON + this.name;
  }

  /** Closes at once. Throws {@link BusyError} while a read waits, {@link ClosedError} if it is closed already. */
  close(): void {
    if (!this.#isOpen) throw this.#descriptor.closedError();
    if (this.#read.isWaiting)
      throw new BusyError(
        `${this.name} cannot be closed while a read waits; await it, or dispose of the reader, which always closes`,
      );
    forget(this);
    this.#descriptor.closeSide(READABLE);
  }

  /** Closes, if it is not closed yet. A read that waits rejects with {@link ClosedError}. Throws nothing. */
  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#read.failAsClosed();
    forget(this);
    this.#descriptor.discardSide(READABLE);
  }

  /** Closes as `[Symbol.dispose]()` does, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.resolve();
    this[Symbol.dispose]();
  }
}

function refuseSize(size: number): RangeError | undefined {
  if ((Number.isInteger(size) && size > 0) || size === Infinity) return undefined;
  return new RangeError(`size: expected a whole number of bytes, 1 or more, not ${show(size)}`);
}

import { constants } from 'node:buffer';
import { type Readable } from 'node:stream';
import { MAX_DECODED } from './byte-queue.js';
import { closeSideWhenDropped, forget } from '../fd/collector.js';
import { type Descriptor, type Interest } from '../fd/descriptor.js';
import { BusyError, ClosedError, IncompleteReadError, LineTooLongError } from '../errors.js';
import { halfError } from './half.js';
import { HANDLE, HANDLE_IN_JSON, type Move } from '../move/handle.js';
import { Incoming } from './incoming.js';
import { LineIterator } from './line-iterator.js';
import { READABLE, WRITABLE } from '../fd/native.js';
import { nodeReadable } from './node-streams.js';
import { optionNames, type OptionNames } from '../check/options.js';
import { maxLineLength, type MovedReader, type ReaderOptions } from './reader-options.js';
import { separatorBytes, separatorSearch } from './separator-search.js';
import { show } from '../check/show.js';
import { Pending, refuse, WAIT_OPTIONS, type WaitOptions } from '../wait/pending.js';
import { mayAnswerNow, nextShare } from '../wait/turn.js';
import { readableStream } from './web-streams.js';

const LINE_OPTIONS = optionNames<WaitOptions & { readonly size?: number | undefined }>({
  signal: true,
  timeout: true,
  size: true,
});

const NEWLINE = Buffer.from('\n');

interface ReadToOptions {
  /** This many bytes are enough, if the separator does not come before. */
  readonly limit?: number;
  readonly names?: OptionNames<WaitOptions>;
}

/** A waiting read, and how it takes buffered bytes. */
interface Waiting {
  readonly attempt: () => unknown;
  readonly fill: () => boolean;
  readonly pending: Pending<unknown>;
  /** Not tried yet: the calls of this turn were used up. */
  isLate: boolean;
}

/** Returns a copy of the bytes that arrived and were not taken. The next read still gets them. @internal */
export let bytesAhead: (reader: PipeReader) => Buffer;

/**
 * Reads the bytes of an opened pipe in order.
 *
 * One call reads at a time: another one rejects with {@link BusyError}. An abort or a timeout loses nothing: the next call
 * gets the bytes. A call that waits keeps the process alive; an idle reader does not.
 */
export class PipeReader {
  readonly #descriptor: Descriptor;
  readonly #incoming: Incoming;
  readonly #maxLineLength: number;
  #waiting: Waiting | undefined;

  static {
    bytesAhead = (reader) => reader.#incoming.queue.bytes;
  }

  /** @internal Made by `open()`. */
  constructor(descriptor: Descriptor, options: ReaderOptions & Partial<MovedReader> = {}) {
    this.#maxLineLength = maxLineLength(options);
    this.#descriptor = descriptor;
    this.#incoming = new Incoming(descriptor);
    if (options.ahead !== undefined) this.#incoming.queue.push(Buffer.from(options.ahead));
    this.#incoming.ended = options.ended === true;
    if (this.#isOpen) closeSideWhenDropped(this, descriptor, READABLE);
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
      return this.#take(() => this.#incoming.all(), options, 'the end of the stream did not arrive');
    const refusal = refuseSize(size);
    if (refusal !== undefined) return Promise.reject(refusal);
    return this.#take(() => this.#incoming.some(size), options, 'nothing came');
  }

  /**
   * Reads bytes into `view`. Resolves with the number of bytes; with 0 at the end of the stream. It allocates nothing: a
   * loop over one buffer is the fastest way to read. Do not use the view until the promise settles.
   */
  readInto(view: ArrayBufferView, options?: WaitOptions): Promise<number> {
    if (!ArrayBuffer.isView(view)) {
      return Promise.reject(new TypeError(`view: expected a Buffer or another view, not ${typeof view}`));
    }
    if (view.byteLength === 0) return Promise.reject(new RangeError('view: expected room for at least one byte'));
    const bytes = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
    const size = bytes.length;
    let count: number | undefined;
    return this.#take(
      () => {
        if (bytes.length !== size) {
          throw new TypeError(`${this.#name}: the memory to read into was transferred or made smaller meanwhile`);
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
      return Promise.reject(new RangeError(`size: expected a whole number of bytes, not ${show(size)}`));
    }
    return this.#take(
      () => {
        if (this.#incoming.queue.length >= size) return this.#incoming.queue.take(size);
        if (!this.#incoming.ended) return undefined;
        const partial = this.#incoming.queue.take(this.#incoming.queue.length);
        throw new IncompleteReadError(
          `${this.#name} ended after ${String(partial.length)} of ${String(size)} bytes`,
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
    return this.#readTo(NEWLINE, options, () => this.#incoming.all(), { limit: size, names: LINE_OPTIONS });
  }

  /** Reads all bytes up to `separator`, and the separator. Rejects with {@link IncompleteReadError} if the stream ends before. */
  readUntil(separator: string | Uint8Array, options?: WaitOptions): Promise<Buffer> {
    let bytes: Buffer;
    try {
      bytes = separatorBytes(separator);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    return this.#readTo(bytes, options, () => {
      const partial = this.#incoming.queue.take(this.#incoming.queue.length);
      throw new IncompleteReadError(`${this.#name} ended before the separator arrived`, partial);
    });
  }

  #readTo(
    separator: Uint8Array,
    options: WaitOptions | undefined,
    atEnd: () => Buffer | undefined,
    { limit = Infinity, names = WAIT_OPTIONS }: ReadToOptions = {},
  ): Promise<Buffer> {
    const most = this.#maxLineLength;
    const search = separatorSearch(this.#incoming.queue, { bytes: separator, limit, most }, () => this.#tooLong(most));
    return this.#take(
      () => this.#takeFound(search()) ?? (this.#incoming.ended ? atEnd() : undefined),
      options,
      'the separator did not arrive',
      this.#incoming.fill,
      names,
    );
  }

  #takeFound(count: number | undefined): Buffer | undefined {
    return count === undefined ? undefined : this.#incoming.queue.take(count);
  }

  /** The bytes of the line stay in the queue: `read()` gets them. */
  #tooLong(most: number): never {
    const limit = most === this.#maxLineLength ? 'maxLineLength' : 'a string cannot hold more';
    throw new LineTooLongError(
      `${this.#name}: more than ${String(most)} bytes arrived without the end of a line (${limit}); ` +
        'read() still returns them',
      most,
    );
  }

  /** Iterates over chunks as they come. After a loop that ends early, the reader is still open, and no byte is lost. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const chunk = await this.#take(() => this.#chunk(), undefined, '');
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
      () => this.#nextLine(options),
    );
  }

  /** A line as a string, or its bytes if it does not lie in one piece; empty bytes at the end. */
  #nextLine(options: WaitOptions | undefined): Promise<Buffer | string> {
    const { queue } = this.#incoming;
    const most = Math.min(this.#maxLineLength, constants.MAX_STRING_LENGTH);
    const search = separatorSearch(queue, { bytes: NEWLINE, limit: Infinity, most }, () => this.#tooLong(most));
    const takeLine = this.#maxLineLength < MAX_DECODED ? () => undefined : () => queue.takeLine();
    return this.#take<Buffer | string>(
      () => takeLine() ?? this.#takeFound(search()) ?? this.#incoming.all(),
      options,
      'the separator did not arrive',
    );
  }

  /** Undefined if it is not there, or {@link #nextLine} has something to say first. */
  #lineNow(options: WaitOptions | undefined): string | undefined {
    if (!this.#isOpen || this.#waiting !== undefined || this.#maxLineLength < MAX_DECODED) return undefined;
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

  /**
   * Callers pass their functions in place, not by a constant: the build sets the name of a function that a constant holds
   * (`keepNames`), each time that it is made. That costs more than the read.
   */
  #take<T>(
    attempt: () => T | undefined,
    options: WaitOptions | undefined,
    what: string,
    fill: () => boolean = this.#incoming.fill,
    names: OptionNames<WaitOptions> = WAIT_OPTIONS,
  ): Promise<T> {
    if (!this.#isOpen) return Promise.reject(this.#descriptor.closedError());
    if (this.#waiting !== undefined) {
      return Promise.reject(new BusyError(`${this.#name}: another read is still waiting`));
    }
    const refusal = options === undefined ? undefined : refuse(options, names, () => `${this.#name}: ${what}`);
    if (refusal !== undefined) return Promise.reject(refusal);
    const isLate = !mayAnswerNow();
    if (!isLate) {
      try {
        const result = attempt() ?? this.#incoming.tryNow(attempt, fill);
        if (result !== undefined) return Promise.resolve(result);
      } catch (error) {
        return Promise.reject(error as Error);
      }
    }
    return this.#wait(attempt, options, what, fill, isLate);
  }

  /** @param isLate - it was not tried yet: the event loop must come round before that */
  #wait<T>(
    attempt: () => T | undefined,
    options: WaitOptions | undefined,
    what: string,
    fill: () => boolean,
    isLate: boolean,
  ): Promise<T> {
    const pending =
      options === undefined
        ? new Pending<T>()
        : new Pending<T>(
            options,
            () => `${this.#name}: ${what}`,
            () => {
              // A timeout of 0 takes the buffered bytes; an abort takes nothing.
              const isServed = waiting.isLate && options.signal?.aborted !== true && this.#tryLate(waiting);
              if (!isServed) this.#stopWaiting();
            },
          ).holdLoop(this.#descriptor.holdsLoop(READABLE));
    const waiting: Waiting = { attempt, fill, pending: pending as Pending<unknown>, isLate };
    this.#waiting = waiting;
    try {
      this.#descriptor.waitReadable(this.#interest);
    } catch (error) {
      this.#failWaiting(error);
    }
    if (isLate) {
      void nextShare().then(() => {
        if (this.#waiting === waiting) this.#tryLate(waiting);
      });
    }
    return pending.promise;
  }

  #tryLate(waiting: Waiting): boolean {
    waiting.isLate = false;
    return this.#settle(waiting, () => this.#incoming.tryNow(waiting.attempt, waiting.fill));
  }

  /** Settles the waiting read if the buffered bytes are enough. Returns whether it has settled. */
  #serve(waiting: Waiting): boolean {
    return this.#settle(waiting, () => this.#incoming.try(waiting.attempt));
  }

  #settle({ pending }: Waiting, take: () => unknown): boolean {
    try {
      const result = take();
      if (result === undefined) return false;
      this.#stopWaiting();
      pending.resolve(result);
    } catch (error) {
      this.#failWaiting(error);
    }
    return true;
  }

  #failWaiting(error: unknown): void {
    const waiting = this.#waiting;
    this.#stopWaiting();
    waiting?.pending.reject(error);
  }

  #stopWaiting(): void {
    this.#waiting = undefined;
    this.#descriptor.waitReadable(undefined);
  }

  /** While the descriptor refers to this, the reader is not collected. */
  readonly #interest: Interest = {
    ready: () => {
      this.#incoming.isDrained = false;
      // It has not looked yet at the bytes that are here: with more at each turn, they would grow without bound.
      if (this.#waiting?.isLate) return;
      while (this.#waiting?.fill()) {
        if (this.#serve(this.#waiting) || this.#incoming.isDrained || !this.#descriptor.mayReadNow) return;
      }
    },
    closed: () => {
      this.#failAsClosed();
    },
  };

  #failAsClosed(): void {
    if (this.#waiting !== undefined) {
      this.#failWaiting(new ClosedError(`${this.#name} was closed while a read waited`));
    }
  }

  get #isOpen(): boolean {
    return this.#descriptor.isOpenFor(READABLE);
  }

  get #name(): string {
    return this.#descriptor.toString();
  }

  /** A read that waits keeps the process alive, which is the default. */
  ref(): this {
    this.#descriptor.holdLoop(READABLE, true);
    this.#waiting?.pending.holdLoop(true);
    return this;
  }

  /** A read that waits no longer keeps the process alive. */
  unref(): this {
    this.#descriptor.holdLoop(READABLE, false);
    this.#waiting?.pending.holdLoop(false);
    return this;
  }

  /** @internal */
  [HANDLE](): Move {
    return {
      kind: 'PipeReader',
      check: () => {
        this.checkMovable();
        if (this.#descriptor.isOpenFor(WRITABLE)) throw halfError(this.#name);
      },
      pack: () => ({ fds: [this.#descriptor.owned], data: this.pack() }),
      leave: (destination) => {
        this.leave();
        this.#descriptor.release(destination);
      },
    };
  }

  /** Throws if it cannot move now. @internal */
  checkMovable(): void {
    if (!this.#isOpen) throw this.#descriptor.closedError();
    if (this.#waiting !== undefined) throw new BusyError(`${this.#name} cannot be moved while a read waits`);
  }

  /** Returns the state for the next owner. @internal */
  pack(): MovedReader {
    return { maxLineLength: this.#maxLineLength, ahead: this.#incoming.queue.bytes, ended: this.#incoming.ended };
  }

  /** The descriptor has moved: this object does not close it any more. @internal */
  leave(): void {
    forget(this);
  }

  /** Returns a string that names this reader: a handle cannot travel as JSON. */
  toJSON(): string {
    return HANDLE_IN_JSON + this.#name;
  }

  /** Closes at once. Throws {@link BusyError} while a read waits, {@link ClosedError} if it is closed already. */
  close(): void {
    if (!this.#isOpen) throw this.#descriptor.closedError();
    if (this.#waiting !== undefined) throw new BusyError(`${this.#name} cannot be closed while a read waits`);
    this.#end();
  }

  /** Closes, if it is not closed yet. A read that waits rejects with {@link ClosedError}. */
  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#failAsClosed();
    this.#end();
  }

  /** Closes as `[Symbol.dispose]()` does, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.resolve();
    this[Symbol.dispose]();
  }

  #end(): void {
    forget(this);
    this.#descriptor.closeSide(READABLE);
  }
}

function refuseSize(size: number): RangeError | undefined {
  if ((Number.isInteger(size) && size > 0) || size === Infinity) return undefined;
  return new RangeError(`size: expected a positive whole number of bytes, not ${show(size)}`);
}

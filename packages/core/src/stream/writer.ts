import { type Writable as NodeWritable } from 'node:stream';
import { closeSideWhenDropped, forget } from '../fd/collector.js';
import { type Descriptor } from '../fd/descriptor.js';
import { BusyError, TimeoutError } from '../errors.js';
import { moveOfHalf } from './moving.js';
import { HANDLE, HANDLE_IN_JSON, type Move } from '../move/handle.js';
import { READABLE, WRITABLE } from '../fd/native.js';
import { nodeWritable } from './node-streams.js';
import { Outgoing } from './outgoing-bytes.js';
import { handled } from '../wait/handled.js';
import { refuse, WAIT_OPTIONS, type WaitOptions } from '../wait/pending.js';
import { writableStream } from './web-streams.js';
import { toBuffer, type Writable } from './writable.js';
import { DEFAULT_CLOSE_TIMEOUT, DEFAULT_HIGH_WATER_MARK, type WriterOptions } from './writer-options.js';

/**
 * The writing side of an opened pipe.
 *
 * An unawaited write cannot end the program: its promise is marked as handled. The first failure stays, and the next
 * `write()`, `drain()` or `close()` rejects with it. Unflushed bytes keep the process alive.
 *
 * @example
 * ```ts
 * import { popen } from '@aiopipe/subprocess';
 *
 * await using sort = popen(['sort'], { stdin: 'pipe' });
 * const writer = sort.stdin.open();
 * for (const word of ['pipe', 'end']) await writer.write(`${word}\n`);
 * await writer.close(); // flushes first
 * await sort.wait();
 * ```
 * ```text
 * end
 * pipe
 * ```
 */
export class PipeWriter {
  readonly #descriptor: Descriptor;
  readonly #highWaterMark: number;
  readonly #closeTimeout: number;
  readonly #outgoing: Outgoing;
  #isClosing = false;

  private constructor(descriptor: Descriptor, options: WriterOptions = {}) {
    this.#descriptor = descriptor;
    this.#highWaterMark = options.highWaterMark ?? DEFAULT_HIGH_WATER_MARK;
    this.#closeTimeout = options.closeTimeout ?? DEFAULT_CLOSE_TIMEOUT;
    this.#outgoing = new Outgoing(this, descriptor, this.#highWaterMark);
    if (this.#isOpen) closeSideWhenDropped(this, descriptor, WRITABLE);
  }

  /** @internal */
  static make(descriptor: Descriptor, options?: WriterOptions): PipeWriter {
    return new PipeWriter(descriptor, options);
  }

  /** The number of bytes that were accepted and that the kernel has not taken yet. */
  get unflushed(): number {
    return this.#outgoing.unflushed;
  }

  /**
   * Writes bytes, or a string as UTF-8. Resolves when the kernel has the data, or when so few bytes are unflushed that it
   * fits under the high-water mark. Do not change the data before that. An abort or a timeout ends the wait, not the writing.
   *
   * Rejects with {@link BrokenPipeError} if the reader has closed. Rejects with a TypeError if the data's memory is
   * transferred to a thread while it waits. If none of it was written, later writes go on; if a part of it was, the stream
   * is broken, and they reject with the same error.
   */
  write(data: Writable, options?: WaitOptions): Promise<void> {
    const refusal = this.#refusal(options);
    if (refusal !== undefined) return handled(Promise.reject(refusal));
    let bytes: Buffer;
    try {
      bytes = toBuffer(data);
    } catch (error) {
      return handled(Promise.reject(error as Error));
    }
    return this.#outgoing.write(bytes, options);
  }

  /** Resolves when the kernel has all that was written. */
  drain(options?: WaitOptions): Promise<void> {
    const refusal = this.#refusal(options);
    if (refusal !== undefined) return handled(Promise.reject(refusal));
    return this.#outgoing.flushAll(options);
  }

  /** Takes back the bytes that the kernel has not taken; returns how many there were. @internal */
  retract(): number {
    return this.#outgoing.retract();
  }

  /** @internal */
  flushBlocking(deadline: number): void {
    this.#outgoing.flushBlocking(deadline);
  }

  /**
   * Flushes, then closes. Rejects with the error of an earlier write, or of this flush; the writer is closed all the same.
   * After an abort or a timeout it is still open.
   */
  async close(options?: WaitOptions): Promise<void> {
    if (!this.#isOpen || this.#isClosing) throw this.#descriptor.closedError();
    const refusal = this.#refusalOf(options);
    if (refusal !== undefined) throw refusal;
    const lost = await this.#flushToClose(options);
    forget(this);
    this.#descriptor.closeSide(WRITABLE);
    if (lost !== undefined) throw lost as Error;
  }

  /** Returns the error of a write that was lost while the others were flushed. */
  async #flushToClose(options: WaitOptions | undefined): Promise<unknown> {
    this.#isClosing = true;
    let lost: unknown;
    for (;;) {
      try {
        await this.#outgoing.flushAll(options);
        return lost;
      } catch (error) {
        if (this.#outgoing.failure !== undefined) {
          this.#discard();
          throw error;
        }
        if (!(error instanceof TypeError)) {
          this.#isClosing = false; // an abort or a timeout: the caller may try again
          throw error;
        }
        lost = error; // one write was lost: the others are flushed
      }
    }
  }

  /** Closes at once and drops unflushed bytes. Writes that wait reject with {@link ClosedError}. Throws nothing. */
  destroy(): void {
    if (!this.#isOpen) return;
    this.#outgoing.failAsClosed();
    this.#discard();
  }

  /** Flushes, then closes. After `closeTimeout`, destroys the writer and rejects with {@link TimeoutError}. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOpen) return;
    if (this.#outgoing.failure !== undefined && this.#outgoing.failureWasReported) {
      this.#discard();
      return;
    }
    try {
      // A running close() does the rest, unless it takes too long.
      if (this.#isClosing) {
        await this.#outgoing.flushAll({ timeout: this.#closeTimeout });
        return;
      }
      const lost = await this.#flushToClose({ timeout: this.#closeTimeout });
      this.#discard();
      if (lost !== undefined) throw lost as Error;
    } catch (error) {
      const bytes = this.unflushed;
      this.destroy();
      if (!(error instanceof TimeoutError)) throw error;
      throw new TimeoutError(
        `${this.name}: ${String(bytes)} bytes were dropped, because the reader read nothing for ${String(this.#closeTimeout)} ms`,
      );
    }
  }

  /** Returns a web stream that owns this writer. Its writes wait while the pipe is full. */
  toWeb(): WritableStream<Writable> {
    return writableStream(this);
  }

  /** Returns a Node.js stream that owns this writer. Its writes wait while the pipe is full. */
  toNode(): NodeWritable {
    return nodeWritable(this);
  }

  /** @internal */
  [HANDLE](): Move {
    return moveOfHalf('PipeWriter', this, this.#descriptor, READABLE);
  }

  /** Throws if it cannot move now: also what an earlier write failed with. @internal */
  checkMovable(): void {
    const refusal = this.#refusal(undefined);
    if (refusal !== undefined) throw refusal;
    this.#outgoing.flush();
    if (this.#outgoing.failure !== undefined) throw this.#outgoing.failure;
    if (this.unflushed > 0) {
      throw new BusyError(
        `${this.name} cannot be moved: ${String(this.unflushed)} bytes are not flushed yet; await drain() first`,
      );
    }
  }

  /** Returns the settings for the next owner. @internal */
  pack(): WriterOptions {
    return { highWaterMark: this.#highWaterMark, closeTimeout: this.#closeTimeout };
  }

  /** Returns a string that names this writer: a handle cannot travel as JSON. */
  toJSON(): string {
    return HANDLE_IN_JSON + this.name;
  }

  /** Unflushed bytes keep the process alive, which is the default. */
  ref(): this {
    this.#descriptor.holdLoop(WRITABLE, true);
    this.#outgoing.holdLoop(true);
    return this;
  }

  /** Unflushed bytes no longer keep the process alive. */
  unref(): this {
    this.#descriptor.holdLoop(WRITABLE, false);
    this.#outgoing.holdLoop(false);
    return this;
  }

  #refusal(options: WaitOptions | undefined): Error | undefined {
    if (!this.#isOpen || this.#isClosing) return this.#descriptor.closedError();
    return this.#outgoing.reportFailure() ?? this.#refusalOf(options);
  }

  #refusalOf(options: WaitOptions | undefined): Error | undefined {
    return options === undefined ? undefined : refuse(options, WAIT_OPTIONS, () => `${this.name}: the write`);
  }

  get #isOpen(): boolean {
    return this.#descriptor.isOpenFor(WRITABLE);
  }

  /** The name in messages. @internal */
  get name(): string {
    return this.#descriptor.toString();
  }

  /** Closes. Throws nothing if other code has closed the descriptor. */
  #discard(): void {
    forget(this);
    this.#descriptor.discardSide(WRITABLE);
  }
}

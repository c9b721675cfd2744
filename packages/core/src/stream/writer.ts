import { constants } from 'node:os';
import { type Writable as NodeWritable } from 'node:stream';
import { closeSideWhenDropped, forget } from '../fd/collector.js';
import { EAGAIN, EFAULT, type Descriptor, type Interest } from '../fd/descriptor.js';
import { BrokenPipeError, BusyError, ClosedError, SystemError, TimeoutError } from '../errors.js';
import { GATHER_BELOW } from './gathered.js';
import { halfError } from './half.js';
import { HANDLE, HANDLE_IN_JSON, type Move } from '../move/handle.js';
import { READABLE, WRITABLE } from '../fd/native.js';
import { nodeWritable } from './node-streams.js';
import { Progress, type WaitsFor } from './progress.js';
import { unflushed } from './unflushed.js';
import { handled } from '../wait/handled.js';
import { refuse, WAIT_OPTIONS, type WaitOptions } from '../wait/pending.js';
import { now, nextTick } from '../wait/taken.js';
import { mayAnswerNow, nextShare } from '../wait/turn.js';
import { writableStream } from './web-streams.js';
import { toBuffer, type Writable } from './writable.js';
import { WriteQueue, type LostPart } from './write-queue.js';
import { DEFAULT_CLOSE_TIMEOUT, DEFAULT_HIGH_WATER_MARK, type WriterOptions } from './writer-options.js';

const EPIPE = -constants.errno.EPIPE;
const ECONNRESET = -constants.errno.ECONNRESET;
const DONE = Promise.resolve();

/**
 * The writing side of an opened pipe.
 *
 * An unawaited write cannot end the program: its promise is marked as handled. The first failure stays, and the next
 * `write()`, `drain()` or `close()` rejects with it. Unflushed bytes keep the process alive.
 */
export class PipeWriter {
  readonly #descriptor: Descriptor;
  readonly #highWaterMark: number;
  readonly #closeTimeout: number;
  readonly #queue = new WriteQueue();
  readonly #progress = new Progress();
  #flushIsDue = false;
  #failure: Error | undefined;
  #failureWasTold = false;
  /** The bytes that the last flush could not write, because their memory was transferred. */
  #lost: TypeError | undefined;
  #isClosing = false;

  /** @internal Made by `open()`. */
  constructor(descriptor: Descriptor, options: WriterOptions = {}) {
    this.#descriptor = descriptor;
    this.#highWaterMark = options.highWaterMark ?? DEFAULT_HIGH_WATER_MARK;
    this.#closeTimeout = options.closeTimeout ?? DEFAULT_CLOSE_TIMEOUT;
    if (this.#isOpen) closeSideWhenDropped(this, descriptor, WRITABLE);
  }

  /** The number of bytes that were accepted and that the kernel has not taken yet. */
  get unflushed(): number {
    return this.#progress.unflushed;
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
    if (bytes.length < GATHER_BELOW) return this.#gather(bytes, options);

    let written = 0;
    if (this.unflushed === 0 && this.#descriptor.mayWriteNow) {
      // The usual case of a large write: its caller awaited the previous write.
      written = Math.max(0, this.#descriptor.send(bytes, 0, bytes.length, undefined));
      if (written === bytes.length) return DONE;
      if (bytes.length - written < GATHER_BELOW) return this.#gather(bytes.subarray(written), options);
    }
    this.#accept(bytes.length - written);
    this.#queue.push(bytes);
    if (written > 0) this.#queue.offset = written;
    this.#flush();
    // Not copied: the data is the caller's again only when the kernel has all of it.
    return this.#reach(this.#progress.accepted, 'data', options, 'not all data could be written');
  }

  /** Accepts a small write by copying it. */
  #gather(bytes: Buffer, options: WaitOptions | undefined): Promise<void> {
    if (bytes.length > 0) {
      this.#accept(bytes.length);
      this.#queue.append(bytes);
      if (this.#queue.gathered.isFull) this.#flush();
      else if (!this.#flushIsDue) {
        this.#flushIsDue = true;
        nextTick(this.#onTurnEnd);
      }
    }
    if (this.unflushed <= this.#highWaterMark) return mayAnswerNow() ? DONE : nextShare();
    this.#flush();
    return this.#reach(this.#progress.accepted - this.#highWaterMark, 'room', options, 'not all data could be written');
  }

  /** Resolves when the kernel has all that was written. */
  drain(options?: WaitOptions): Promise<void> {
    const refusal = this.#refusal(options);
    if (refusal !== undefined) return handled(Promise.reject(refusal));
    return this.#flushAll(options);
  }

  #flushAll(options: WaitOptions | undefined): Promise<void> {
    this.#lost = undefined;
    this.#flush();
    if (this.#lost !== undefined) return handled(Promise.reject(this.#lost));
    return this.#reach(this.#progress.accepted, 'all', options, 'not all data could be flushed');
  }

  /** Takes back the bytes that the kernel has not taken; returns how many there were. @internal */
  retract(): number {
    const count = this.unflushed;
    this.#drop();
    this.#descriptor.waitWritable(undefined);
    this.#settle();
    return count;
  }

  /**
   * Flushes, then closes. Rejects with the error of an earlier write, or of this flush; the writer is closed all the same.
   * After an abort or a timeout it is still open.
   */
  async close(options?: WaitOptions): Promise<void> {
    if (!this.#isOpen || this.#isClosing) throw this.#descriptor.closedError();
    const refusal = this.#refusalOf(options);
    if (refusal !== undefined) throw refusal;
    this.#isClosing = true;
    let lost: unknown;
    for (;;) {
      try {
        await this.#flushAll(options);
        break;
      } catch (error) {
        if (this.#failure !== undefined) {
          this.#end();
          throw error;
        }
        if (!(error instanceof TypeError)) {
          this.#isClosing = false; // an abort or a timeout: the caller may try again
          throw error;
        }
        lost = error; // one write was lost: the others are flushed
      }
    }
    this.#end();
    if (lost !== undefined) throw lost as Error;
  }

  /** Closes at once and drops unflushed bytes. Writes that wait reject with {@link ClosedError}. */
  destroy(): void {
    if (!this.#isOpen) return;
    this.#failAsClosed();
    this.#end();
  }

  /** Flushes, then closes. After `closeTimeout`, destroys the writer and rejects with {@link TimeoutError}. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOpen) return;
    if (this.#failure !== undefined && this.#failureWasTold) {
      this.#end();
      return;
    }
    try {
      // A running close() does the rest, unless it takes too long.
      if (this.#isClosing) await this.#flushAll({ timeout: this.#closeTimeout });
      else await this.close({ timeout: this.#closeTimeout });
    } catch (error) {
      const bytes = this.unflushed;
      this.destroy();
      if (!(error instanceof TimeoutError)) throw error;
      throw new TimeoutError(
        `${this.#name}: ${String(bytes)} bytes were dropped, because the reader read nothing for ${String(this.#closeTimeout)} ms`,
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
    return {
      kind: 'PipeWriter',
      check: () => {
        this.checkMovable();
        if (this.#descriptor.isOpenFor(READABLE)) throw halfError(this.#name);
      },
      pack: () => ({ fds: [this.#descriptor.owned], data: this.settings }),
      leave: (destination) => {
        this.leave();
        this.#descriptor.release(destination);
      },
    };
  }

  /** Throws if it cannot move now: also what an earlier write failed with. @internal */
  checkMovable(): void {
    const refusal = this.#refusal(undefined);
    if (refusal !== undefined) throw refusal;
    this.#flush();
    if (this.#failure !== undefined) throw this.#failure;
    if (this.unflushed > 0) {
      throw new BusyError(`${this.#name} cannot be moved: ${String(this.unflushed)} bytes are not flushed yet`);
    }
  }

  /** The settings for the next owner. @internal */
  get settings(): WriterOptions {
    return { highWaterMark: this.#highWaterMark, closeTimeout: this.#closeTimeout };
  }

  /** The descriptor has moved: this object does not close it any more. @internal */
  leave(): void {
    forget(this);
  }

  /** Returns a string that names this writer: a handle cannot travel as JSON. */
  toJSON(): string {
    return HANDLE_IN_JSON + this.#name;
  }

  /** Unflushed bytes keep the process alive, which is the default. */
  ref(): this {
    this.#descriptor.holdLoop(WRITABLE, true);
    this.#progress.holdLoop(true);
    return this;
  }

  /** Unflushed bytes no longer keep the process alive. */
  unref(): this {
    this.#descriptor.holdLoop(WRITABLE, false);
    this.#progress.holdLoop(false);
    return this;
  }

  #refusal(options: WaitOptions | undefined): Error | undefined {
    if (!this.#isOpen || this.#isClosing) return this.#descriptor.closedError();
    if (this.#failure !== undefined) {
      this.#failureWasTold = true;
      return this.#failure;
    }
    return this.#refusalOf(options);
  }

  #refusalOf(options: WaitOptions | undefined): Error | undefined {
    return options === undefined ? undefined : refuse(options, WAIT_OPTIONS, () => `${this.#name}: the write`);
  }

  #accept(count: number): void {
    if (this.unflushed === 0) unflushed.add(this);
    this.#progress.accepted += count;
    this.#descriptor.unflushed += count;
  }

  readonly #onTurnEnd = (): void => {
    this.#flushIsDue = false;
    this.#flush();
  };

  #flush(): void {
    if (!this.#isOpen) this.#drop();
    if (this.unflushed === 0) return;
    const queue = this.#queue;
    if (!queue.hasParts && this.#descriptor.mayWriteNow) {
      // The usual case: the kernel takes all gathered bytes, and the buffer is free again.
      const { buffer, start, length } = queue.gathered;
      const result = this.#descriptor.send(buffer, start, length, undefined);
      if (result < 0 && result !== EAGAIN) {
        this.#failWith(this.#errorOf(result));
        return;
      }
      if (result === length) {
        queue.gathered.clear();
        this.#count(result);
        this.#settle();
        return;
      }
      queue.seal();
      this.#advance(Math.max(result, 0));
    }
    queue.seal();
    while (queue.hasParts && this.#descriptor.mayWriteNow) {
      if (!this.#discardLost()) return;
      if (!queue.hasParts) break;
      const result = this.#descriptor.write(queue.next, queue.offset);
      if (result === EAGAIN) break;
      if (result <= 0) {
        // No part is empty, so that 0 means memory which is not there.
        this.#failWith(this.#errorOf(result === 0 ? EFAULT : result));
        return;
      }
      this.#advance(result);
    }
    if (!queue.hasParts) queue.gathered.reuse();
    this.#descriptor.waitWritable(queue.hasParts ? this.#interest : undefined);
    this.#settle();
  }

  /** Rejects the writes whose memory is gone. Returns false if one of them was written in part: the stream is broken then. */
  #discardLost(): boolean {
    for (;;) {
      const lost = this.#queue.takeLost();
      if (lost === undefined) return true;
      if (lost.written > 0) {
        this.#failWith(this.#lostError(lost));
        return false;
      }
      const start = this.#progress.written + lost.start;
      this.#descriptor.unflushed -= lost.length;
      this.#lost = this.#lostError(lost);
      this.#progress.discard(start, start + lost.length, this.#lost);
    }
  }

  #lostError({ length, written }: LostPart): TypeError {
    const how =
      written === 0
        ? 'before any byte of it was written; later writes are not affected'
        : `after ${String(written)} of ${String(written + length)} bytes were written: the stream is broken there`;
    return new TypeError(`${this.#name}: the data to write was transferred or made smaller ${how}`);
  }

  /** @internal */
  flushBlocking(deadline: number): void {
    while (this.unflushed > 0) {
      this.#flush();
      const rest = Math.ceil(deadline - now());
      if (this.unflushed > 0 && (rest <= 0 || !this.#descriptor.blockUntilWritable(rest))) return;
    }
  }

  /** While the descriptor refers to this, the writer is not collected. */
  readonly #interest: Interest = {
    ready: () => {
      this.#flush();
    },
    closed: () => {
      this.#failAsClosed();
    },
  };

  #failAsClosed(): void {
    const error = new ClosedError(`${this.#name} was closed with ${String(this.unflushed)} bytes unflushed`);
    this.#drop();
    this.#progress.fail(error);
  }

  #count(written: number): void {
    this.#progress.written += written;
    this.#descriptor.unflushed -= written;
  }

  #advance(count: number): void {
    this.#count(count);
    this.#queue.advance(count);
  }

  #settle(): void {
    if (this.unflushed === 0) unflushed.delete(this);
    this.#progress.settle();
  }

  #errorOf(errno: number): Error {
    const isGone = errno === EPIPE || errno === ECONNRESET;
    if (!isGone) return new SystemError(errno, 'write', this.#name);
    return new BrokenPipeError(`${this.#name}: the reader has closed`, { errno: EPIPE, syscall: 'write' });
  }

  /** For good: every later call rejects with it. */
  #failWith(failure: Error): void {
    this.#failure = failure;
    this.#drop();
    this.#descriptor.waitWritable(undefined);
    if (this.#progress.fail(failure)) this.#failureWasTold = true;
  }

  #drop(): void {
    this.#queue.clear();
    this.#descriptor.unflushed -= this.unflushed;
    this.#progress.drop();
    unflushed.delete(this);
  }

  #reach(position: number, waitsFor: WaitsFor, options: WaitOptions | undefined, what: string): Promise<void> {
    if (this.#failure !== undefined) {
      this.#failureWasTold = true;
      return handled(Promise.reject(this.#failure));
    }
    return this.#progress.reach(
      position,
      waitsFor,
      options,
      () => `${this.#name}: ${what}`,
      () => {
        this.#queue.copyParts();
      },
      this.#descriptor.holdsLoop(WRITABLE),
    );
  }

  get #isOpen(): boolean {
    return this.#descriptor.isOpenFor(WRITABLE);
  }

  get #name(): string {
    return this.#descriptor.toString();
  }

  #end(): void {
    forget(this);
    this.#descriptor.closeSide(WRITABLE);
  }
}

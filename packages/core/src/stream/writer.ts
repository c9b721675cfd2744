import { constants } from 'node:os';
import { type Writable as NodeWritable } from 'node:stream';
import { closeSideWhenDropped, forget } from '../fd/collector.js';
import { EAGAIN, EFAULT, type Descriptor, type Interest } from '../fd/descriptor.js';
import { BrokenPipeError, BusyError, ClosedError, SystemError, TimeoutError } from '../errors.js';
import { GATHER_BELOW, Gathered } from './gathered.js';
import { HANDLE, HANDLE_IN_JSON, movingBy, type Handle } from '../move/handle.js';
import { READABLE, WRITABLE } from '../fd/native.js';
import { nodeWritable } from './node-streams.js';
import { halfError } from './reader.js';
import { unflushed } from './unflushed.js';
import { now, nextTick } from '../wait/taken.js';
import { Pending, refuse, WAIT_OPTIONS, type WaitOptions } from '../wait/pending.js';
import { writableStream } from './web-streams.js';
import { toBuffer, type Writable } from './writable.js';
import { DEFAULT_CLOSE_TIMEOUT, DEFAULT_HIGH_WATER_MARK, type WriterOptions } from './writer-options.js';

/** As many parts as one system call takes. */
const MAX_PARTS = 64;

const EPIPE = -constants.errno.EPIPE;
const ECONNRESET = -constants.errno.ECONNRESET;
const DONE = Promise.resolve();

interface Waiter {
  /** Settled when as many bytes in all have gone to the kernel. */
  readonly position: number;
  readonly pending: Pending<void>;
}

/**
 * The writing side of an opened pipe.
 *
 * A promise of `write` that nobody awaits can't end the program: the first failure sticks, and the next write, drain or
 * close rejects with it. Bytes that are not flushed keep the process alive.
 */
export class PipeWriter implements Handle {
  readonly #descriptor: Descriptor;
  readonly #highWaterMark: number;
  readonly #closeTimeout: number;
  #queue: Buffer[] = [];
  /** Of the first in the queue, what has been written already. */
  #offset = 0;
  /** Behind all that is in the queue. */
  readonly #gathered = new Gathered();
  #flushIsDue = false;
  #accepted = 0;
  #written = 0;
  #waiters: Waiter[] = [];
  #failure: Error | undefined;
  #failureWasTold = false;
  #isClosing = false;

  /** @internal Made by `open()`. */
  constructor(descriptor: Descriptor, options: WriterOptions = {}) {
    this.#descriptor = descriptor;
    this.#highWaterMark = options.highWaterMark ?? DEFAULT_HIGH_WATER_MARK;
    this.#closeTimeout = options.closeTimeout ?? DEFAULT_CLOSE_TIMEOUT;
    if (this.#isOpen) closeSideWhenDropped(this, descriptor, WRITABLE);
  }

  /** Bytes that were accepted and that the kernel has not taken yet. */
  get unflushed(): number {
    return this.#accepted - this.#written;
  }

  /**
   * Resolves when the data is with the kernel or under the high-water mark: awaiting it is the backpressure. The data
   * must not be changed before. An abort or a timeout ends the wait, not the writing.
   *
   * Rejects {@link BrokenPipeError} once the reader is gone.
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
    if (bytes.length === 0) return DONE;
    if (bytes.length >= GATHER_BELOW && this.unflushed === 0 && this.#descriptor.mayWriteNow) {
      // What nearly always happens to a large write whose caller awaits the one before.
      const result = this.#descriptor.send(bytes, 0, bytes.length, undefined);
      if (result === bytes.length) return DONE;
      if (result > 0) bytes = bytes.subarray(result);
    }

    this.#accept(bytes.length);
    if (bytes.length < GATHER_BELOW) {
      this.#gatherCopy(bytes);
      if (this.unflushed <= this.#highWaterMark) return DONE;
      this.#flush();
      return this.#reach(this.#accepted - this.#highWaterMark, options, 'not all could be written');
    }
    this.#sealGathered();
    this.#queue.push(bytes);
    this.#flush();
    // It is not copied, so it is the caller's again only when the kernel has all of it.
    return this.#reach(this.#accepted, options, 'not all could be written');
  }

  /** Resolves when the kernel has all that was written. */
  drain(options?: WaitOptions): Promise<void> {
    const refusal = this.#refusal(options);
    if (refusal !== undefined) return handled(Promise.reject(refusal));
    this.#flush();
    return this.#reach(this.#accepted, options, 'not all could be flushed');
  }

  /** Takes back what the kernel has not taken, and says how many bytes those were. @internal */
  retract(): number {
    const count = this.unflushed;
    this.#drop();
    this.#descriptor.waitWritable(undefined);
    this.#settle();
    return count;
  }

  /** Flushes, then closes. Rejects with what failed, now or before; it is closed all the same. */
  async close(options?: WaitOptions): Promise<void> {
    if (!this.#isOpen || this.#isClosing) throw this.#descriptor.closedError();
    const refusal = this.#refusalOf(options);
    if (refusal !== undefined) throw refusal;
    this.#isClosing = true;
    try {
      this.#flush();
      await this.#reach(this.#accepted, options, 'not all could be flushed');
    } catch (error) {
      if (this.#failure === undefined) {
        this.#isClosing = false; // an abort or a timeout: the caller may try again
        throw error;
      }
      this.#end();
      throw error;
    }
    this.#end();
  }

  /** Closes at once and drops what is not flushed; writes that wait reject {@link ClosedError}. */
  destroy(): void {
    if (!this.#isOpen) return;
    this.#failAsClosed();
    this.#end();
  }

  /** Flushes for at most `closeTimeout`, then destroys and rejects {@link TimeoutError}. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOpen) return;
    if (this.#failure !== undefined && this.#failureWasTold) {
      this.#end();
      return;
    }
    try {
      // A close() that is at work already does the rest, unless it takes too long.
      if (this.#isClosing)
        await this.#reach(this.#accepted, { timeout: this.#closeTimeout }, 'not all could be flushed');
      else await this.close({ timeout: this.#closeTimeout });
    } catch (error) {
      const bytes = this.unflushed;
      this.destroy();
      if (!(error instanceof TimeoutError)) throw error;
      throw new TimeoutError(
        `${this.#name}: ${String(bytes)} bytes were dropped, because the reader took nothing for ${String(this.#closeTimeout)} ms`,
      );
    }
  }

  /** A web stream over this writer, which belongs to it from now on. Backpressure goes both ways. */
  toWeb(): WritableStream<Writable> {
    return writableStream(this);
  }

  /** A Node stream over this writer, which belongs to it from now on. Backpressure goes both ways. */
  toNode(): NodeWritable {
    return nodeWritable(this);
  }

  /** @internal */
  [HANDLE]() {
    const pack = () => {
      const data = this.pack();
      if (this.#descriptor.isOpenFor(READABLE)) throw halfError(this.#name);
      return { kind: 'PipeWriter', fds: [this.#descriptor.owned], data };
    };
    return movingBy(pack, (destination) => {
      this.leave();
      this.#descriptor.release(destination);
    });
  }

  /** What goes along when it moves. Throws if it can't now: also what an earlier write failed with. @internal */
  pack(): WriterOptions {
    const refusal = this.#refusal(undefined);
    if (refusal !== undefined) throw refusal;
    this.#flush();
    if (this.#failure !== undefined) throw this.#failure;
    if (this.unflushed > 0) {
      throw new BusyError(`${this.#name} can't be moved: ${String(this.unflushed)} bytes are not flushed yet`);
    }
    return { highWaterMark: this.#highWaterMark, closeTimeout: this.#closeTimeout };
  }

  /** It moved: nothing here answers for the descriptor any more. @internal */
  leave(): void {
    forget(this);
  }

  /** Not what it is, but enough to know it by: a handle has no form in JSON. */
  toJSON(): string {
    return HANDLE_IN_JSON + this.#name;
  }

  /** Whether unflushed bytes keep the process alive; they do unless {@link unref} was called. */
  ref(): this {
    this.#descriptor.holdLoop(WRITABLE, true);
    for (const { pending } of this.#waiters) pending.holdLoop(true);
    return this;
  }

  /** Unflushed bytes no longer keep the process alive. */
  unref(): this {
    this.#descriptor.holdLoop(WRITABLE, false);
    for (const { pending } of this.#waiters) pending.holdLoop(false);
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
    this.#accepted += count;
    this.#descriptor.unflushed += count;
  }

  #gatherCopy(bytes: Buffer): void {
    if (!this.#gathered.fits(bytes)) {
      this.#sealGathered();
      this.#gathered.renew();
    }
    this.#gathered.append(bytes);
    if (this.#gathered.isFull) this.#flush();
    else if (!this.#flushIsDue) {
      this.#flushIsDue = true;
      nextTick(this.#onTurnEnd);
    }
  }

  readonly #onTurnEnd = (): void => {
    this.#flushIsDue = false;
    this.#flush();
  };

  #sealGathered(): void {
    if (this.#gathered.length > 0) this.#queue.push(this.#gathered.take());
  }

  #flush(): void {
    if (!this.#isOpen) this.#drop();
    if (this.unflushed === 0) return;
    if (this.#queue.length === 0 && this.#descriptor.mayWriteNow) {
      // What nearly always happens: the kernel takes all that was gathered, and the buffer is free again as it is.
      const { buffer, start, length } = this.#gathered;
      const result = this.#descriptor.send(buffer, start, length, undefined);
      if (result < 0 && result !== EAGAIN) {
        this.#fail(result);
        return;
      }
      if (result === length) {
        this.#gathered.clear();
        this.#count(result);
        this.#settle();
        return;
      }
      this.#sealGathered();
      this.#advance(Math.max(result, 0));
    }
    this.#sealGathered();
    while (this.#queue.length > 0) {
      if (!this.#descriptor.mayWriteNow) break;
      const parts = this.#queue.length > MAX_PARTS ? this.#queue.slice(0, MAX_PARTS) : this.#queue;
      const result = this.#descriptor.write(parts, this.#offset);
      if (result === EAGAIN) break;
      if (result <= 0) {
        // No part was empty when it was queued.
        this.#fail(result === 0 ? EFAULT : result);
        return;
      }
      this.#advance(result);
    }
    if (this.#queue.length === 0) this.#gathered.reuse();
    this.#descriptor.waitWritable(this.#queue.length > 0 ? this.#interest : undefined);
    this.#settle();
  }

  /** @internal */
  flushBlocking(deadline: number): void {
    while (this.unflushed > 0) {
      this.#flush();
      const rest = Math.ceil(deadline - now());
      if (this.unflushed > 0 && (rest <= 0 || !this.#descriptor.blockUntilWritable(rest))) return;
    }
  }

  /** While this is set at the descriptor, it keeps the writer from being collected. */
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
    for (const { pending } of this.#waiters.splice(0)) pending.reject(error);
  }

  #count(written: number): void {
    this.#written += written;
    this.#descriptor.unflushed -= written;
  }

  #advance(count: number): void {
    this.#count(count);
    this.#offset += count;
    let done = 0;
    while (done < this.#queue.length) {
      const { length } = this.#queue[done] as Buffer;
      if (this.#offset < length) break;
      this.#offset -= length;
      done++;
    }
    if (done === this.#queue.length) this.#queue = [];
    else if (done > 0) this.#queue.splice(0, done);
  }

  #settle(): void {
    if (this.unflushed === 0) unflushed.delete(this);
    if (this.#waiters.length === 0) return;
    let done = 0;
    while (done < this.#waiters.length && (this.#waiters[done] as Waiter).position <= this.#written) done++;
    for (const { pending } of this.#waiters.splice(0, done)) pending.resolve();
  }

  #fail(errno: number): void {
    const isGone = errno === EPIPE || errno === ECONNRESET;
    this.#failure = isGone
      ? new BrokenPipeError(`${this.#name}: the reader is gone`, { errno: EPIPE, syscall: 'write' })
      : errno === EFAULT
        ? new TypeError(`${this.#name}: data was transferred or made smaller before all of it was written`)
        : new SystemError(errno, 'write', this.#name);
    this.#drop();
    this.#descriptor.waitWritable(undefined);
    for (const { pending } of this.#waiters.splice(0)) {
      this.#failureWasTold = true;
      pending.reject(this.#failure);
    }
  }

  #drop(): void {
    this.#queue = [];
    this.#gathered.clear();
    this.#offset = 0;
    this.#descriptor.unflushed -= this.unflushed;
    this.#written = this.#accepted;
    unflushed.delete(this);
  }

  #reach(position: number, options: WaitOptions | undefined, what: string): Promise<void> {
    if (this.#failure !== undefined) {
      this.#failureWasTold = true;
      return handled(Promise.reject(this.#failure));
    }
    if (this.#written >= position) return DONE;
    const pending = new Pending<void>(
      options,
      () => `${this.#name}: ${what}`,
      () => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        this.#copyQueue();
      },
    ).holdLoop(this.#descriptor.holdsLoop(WRITABLE));
    const waiter = { position, pending };
    // In the order of their positions: a small write waits for less than all that was accepted before it.
    let index = this.#waiters.length;
    while (index > 0 && (this.#waiters[index - 1] as Waiter).position > position) index--;
    this.#waiters.splice(index, 0, waiter);
    return handled(pending.promise);
  }

  /** A caller that no longer waits may change its buffer. */
  #copyQueue(): void {
    this.#queue = this.#queue.map((part) => Buffer.from(part));
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

function handled(promise: Promise<void>): Promise<void> {
  promise.catch(() => undefined);
  return promise;
}

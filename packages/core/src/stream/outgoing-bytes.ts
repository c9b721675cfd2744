import { constants } from 'node:os';
import { EAGAIN, EFAULT, type Descriptor, type Interest } from '../fd/descriptor.js';
import { BrokenPipeError, ClosedError, SystemError } from '../errors.js';
import { GATHER_BELOW } from './gathered.js';
import { WRITABLE } from '../fd/native.js';
import { Progress, type WaitsFor } from './write-progress.js';
import { unflushed, type Unflushed } from './unflushed.js';
import { handled } from '../wait/handled.js';
import { type WaitOptions } from '../wait/pending.js';
import { now, nextTick } from '../wait/saved-globals.js';
import { mayAnswerNow, nextShare } from '../wait/turn.js';
import { WriteQueue, type LostPart } from './write-queue.js';

const EPIPE = -constants.errno.EPIPE;
const ECONNRESET = -constants.errno.ECONNRESET;
const DONE = Promise.resolve();

/** Holds the bytes that a writer has accepted, gives them to the kernel when it has room, and settles the calls that wait for that. */
export class Outgoing {
  readonly #writer: Unflushed;
  readonly #descriptor: Descriptor;
  readonly #highWaterMark: number;
  readonly #queue = new WriteQueue();
  readonly #progress = new Progress();
  #flushIsDue = false;
  /** The first failure. Later failures do not replace it. */
  failure: Error | undefined;
  /** Whether a call has rejected with the failure. */
  failureWasReported = false;
  /** The bytes that the last flush could not write, because their memory was transferred. */
  #lost: TypeError | undefined;

  /** @param writer - is not collected while bytes are unflushed */
  constructor(writer: Unflushed, descriptor: Descriptor, highWaterMark: number) {
    this.#writer = writer;
    this.#descriptor = descriptor;
    this.#highWaterMark = highWaterMark;
  }

  get unflushed(): number {
    return this.#progress.unflushed;
  }

  /** See `PipeWriter.write()`. */
  write(bytes: Buffer, options: WaitOptions | undefined): Promise<void> {
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
    this.flush();
    // Not copied: the data is the caller's again only when the kernel has all of it.
    return this.#reach(this.#progress.accepted, 'data', options, 'not all data could be written');
  }

  /** Accepts a small write by copying it. */
  #gather(bytes: Buffer, options: WaitOptions | undefined): Promise<void> {
    if (bytes.length > 0) {
      this.#accept(bytes.length);
      this.#queue.append(bytes);
      if (this.#queue.gathered.isFull) this.flush();
      else if (!this.#flushIsDue) {
        this.#flushIsDue = true;
        nextTick(this.#onTurnEnd);
      }
    }
    if (this.unflushed <= this.#highWaterMark) return mayAnswerNow() ? DONE : nextShare();
    this.flush();
    return this.#reach(this.#progress.accepted - this.#highWaterMark, 'room', options, 'not all data could be written');
  }

  /** Resolves when the kernel has all that was written. */
  flushAll(options: WaitOptions | undefined): Promise<void> {
    this.#lost = undefined;
    this.flush();
    if (this.#lost !== undefined) return handled(Promise.reject(this.#lost));
    return this.#reach(this.#progress.accepted, 'all', options, 'not all data could be flushed');
  }

  /** Takes back the bytes that the kernel has not accepted. Returns their number. */
  retract(): number {
    const count = this.unflushed;
    this.#drop();
    this.#descriptor.waitWritable(undefined);
    this.#settle();
    return count;
  }

  #accept(count: number): void {
    if (this.unflushed === 0) unflushed.add(this.#writer);
    this.#progress.accepted += count;
    this.#descriptor.unflushed += count;
  }

  readonly #onTurnEnd = (): void => {
    this.#flushIsDue = false;
    this.flush();
  };

  /** Gives the kernel as many bytes as it takes at once. */
  flush(): void {
    if (!this.#descriptor.isOpenFor(WRITABLE)) this.#drop();
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
        // No part is empty, so a length of 0 means that the memory was transferred.
        this.#failWith(this.#errorOf(result === 0 ? EFAULT : result));
        return;
      }
      this.#advance(result);
    }
    if (!queue.hasParts) queue.gathered.reuse();
    const waits = this.#descriptor.waitWritable(queue.hasParts ? this.#interest : undefined);
    if (waits < 0) this.#failWith(new SystemError(waits, 'poll', this.#name));
    else this.#settle();
  }

  /** Rejects the writes whose memory was transferred. Returns false if one of them was written in part: the stream is broken then. */
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

  /** See {@link Unflushed.flushBlocking}. */
  flushBlocking(deadline: number): void {
    while (this.unflushed > 0) {
      this.flush();
      const rest = Math.ceil(deadline - now());
      if (this.unflushed > 0 && (rest <= 0 || !this.#descriptor.blockUntilWritable(rest))) return;
    }
  }

  /** While the descriptor refers to this, the writer is not collected. */
  readonly #interest: Interest = {
    ready: () => {
      this.flush();
    },
    closed: () => {
      this.failAsClosed();
    },
  };

  /** Drops unflushed bytes, and rejects the calls that wait. Call it before the descriptor is closed. */
  failAsClosed(): void {
    const { unflushed } = this;
    this.#drop();
    this.#progress.fail(() => new ClosedError(`${this.#name} was closed with ${String(unflushed)} bytes unflushed`));
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
    if (this.unflushed === 0) unflushed.delete(this.#writer);
    this.#progress.settle();
  }

  #errorOf(errno: number): Error {
    const isGone = errno === EPIPE || errno === ECONNRESET;
    if (!isGone) return new SystemError(errno, 'write', this.#name);
    return new BrokenPipeError(`${this.#name}: the reader has closed`, { errno: EPIPE, syscall: 'write' });
  }

  /** Sets the failure for good: every later call rejects with it. */
  #failWith(failure: Error): void {
    this.failure = failure;
    this.#drop();
    this.#descriptor.waitWritable(undefined);
    if (this.#progress.fail(() => failure)) this.failureWasReported = true;
  }

  #drop(): void {
    this.#queue.clear();
    this.#descriptor.unflushed -= this.unflushed;
    this.#progress.drop();
    unflushed.delete(this.#writer);
  }

  /** Returns the failure, if there is one, to a call that rejects with it. */
  reportFailure(): Error | undefined {
    if (this.failure !== undefined) this.failureWasReported = true;
    return this.failure;
  }

  #reach(position: number, waitsFor: WaitsFor, options: WaitOptions | undefined, what: string): Promise<void> {
    const failure = this.reportFailure();
    if (failure !== undefined) return handled(Promise.reject(failure));
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

  /** Sets whether the timeouts of the calls that wait keep the process alive. */
  holdLoop(holds: boolean): void {
    this.#progress.holdLoop(holds);
  }

  get #name(): string {
    return this.#descriptor.toString();
  }
}

import { constants } from 'node:os';
import { BrokenPipeError, ClosedError, SystemError, type WaitOptions } from '@aiopipe/core';
import {
  nextTick,
  now,
  Pending,
  refuse,
  setImmediate,
  unflushed,
  WRITABLE,
  type Descriptor,
  type Interest,
  type OwnedFd,
} from '@aiopipe/core/internal';
import { EncodeError, QueueFullError } from '../errors.js';
import { FrameEncoder } from '../frame/frame-encoder.js';
import { HEADER_LENGTH } from '../frame/format.js';
import { type MessageEncoder } from './message-codec.js';
import { Output } from '../serializer/output.js';
import { OutgoingHandles } from '../moving/passing.js';
import { Turn } from './turn.js';

/** Messages of one turn are gathered, and flushed at its end or when there is as much as this. */
const FLUSH_AT = 64 * 1024;
/** As many descriptors as one system call carries. */
const MAX_PASSED = 253;

const EPIPE = -constants.errno.EPIPE;
const ECONNRESET = -constants.errno.ECONNRESET;
const DONE = Promise.resolve();

interface Waiter {
  /** Settled when as many bytes in all have gone to the kernel. */
  position: number;
  readonly pending: Pending<void>;
}

/** Descriptors that must go with the byte at `position`, the first of their message. */
interface Parcel {
  readonly position: number;
  readonly fds: OwnedFd[];
}

/** The sending half of a channel: encodes, gathers, writes, and tells how far the kernel is. */
export class Sender {
  readonly #descriptor: Descriptor;
  readonly #encoder: MessageEncoder;
  readonly #frames: FrameEncoder;
  readonly #queueLimit: number;
  readonly #handles: OutgoingHandles;
  readonly #out = new Output();
  readonly #turn = new Turn();
  /** The loop will come round and go on with what is unflushed. */
  #goesOn = false;
  /** Where in the output buffer the last whole frame ends; beyond it, one is being made. */
  #end = 0;
  #isEncoding = false;
  /** How many of the output buffer's bytes the kernel has. */
  #head = 0;
  /** Where in the whole stream the output buffer begins. */
  #base = 0;
  #parcels: Parcel[] = [];
  #waiters: Waiter[] = [];
  /** The puts since the last flush share one promise. */
  #batch: Waiter | undefined;
  #flushIsDue = false;
  #failure: Error | undefined;
  #onOver: ((error: Error) => void) | undefined;

  /**
   * @param canPass - whether handles can travel over this descriptor
   * @param destination - whoever gets them, in the words of later errors about them
   */
  constructor(
    descriptor: Descriptor,
    encoder: MessageEncoder,
    limits: { maxFrameLength: number; queueLimit: number },
    canPass: boolean,
    destination: () => string,
  ) {
    this.#descriptor = descriptor;
    this.#encoder = encoder;
    this.#frames = new FrameEncoder({ maxFrameLength: limits.maxFrameLength });
    this.#queueLimit = limits.queueLimit;
    this.#handles = new OutgoingHandles(canPass, destination);
  }

  get #accepted(): number {
    return this.#base + this.#end;
  }

  get #written(): number {
    return this.#base + this.#head;
  }

  /** Bytes that the kernel has not taken yet. */
  get unflushed(): number {
    return this.#end - this.#head;
  }

  get isBusy(): boolean {
    return this.unflushed > 0 || this.#isEncoding;
  }

  put(value: unknown, options: WaitOptions | undefined): Promise<void> {
    const refusal = this.#putRefusal(options);
    if (refusal !== undefined) return rejected(refusal);
    try {
      this.#append(value);
    } catch (error) {
      return rejected(error as Error);
    }
    if (!this.#gather()) return this.#reach(options);
    return options === undefined ? this.#joinBatch() : this.#reach(options);
  }

  /** False: there is so much that it was flushed at once, or all has gone already. */
  #gather(): boolean {
    if (this.unflushed >= FLUSH_AT || this.unflushed === 0) {
      this.#flush();
      return false;
    }
    if (!this.#flushIsDue) {
      this.#flushIsDue = true;
      nextTick(this.#onTurnEnd);
    }
    return true;
  }

  /** As {@link put}, but what is wrong throws. False: the pipe is full. */
  putSoon(value: unknown): boolean {
    const refusal = this.#putRefusal(undefined);
    if (refusal !== undefined) throw refusal;
    this.#append(value);
    return this.#gather() || this.unflushed === 0;
  }

  /**
   * As {@link put}, but what is wrong throws, and it is written at once as far as the pipe takes it. False: that was not
   * all of it, or nobody takes it any more.
   */
  putNow(value: unknown): boolean {
    const refusal = this.#putRefusal(undefined);
    if (refusal !== undefined) throw refusal;
    this.#append(value);
    this.flushNow();
    return this.unflushed === 0 && this.#failure === undefined;
  }

  readonly #onTurnEnd = (): void => {
    this.#flushIsDue = false;
    this.#flush();
  };

  /** Resolves when the kernel has all that was put. */
  drain(options?: WaitOptions): Promise<void> {
    const refusal = this.#refusal(options);
    if (refusal !== undefined) return rejected(refusal);
    this.#turn.count();
    this.#flush();
    if (this.#failure !== undefined || this.unflushed > 0 || !this.#turn.isOver) return this.#reach(options);
    // A program that asks again and again would keep all timers waiting.
    this.#goOnSoon();
    return this.#wait(options).pending.promise;
  }

  /** Writes what the kernel takes at once, even if that is more than this turn's share. */
  flushNow(): void {
    this.#flush(true);
  }

  /** As {@link flushNow}, and waits for the pipe to take the rest, while nothing else goes on in this thread. */
  flushBlocking(deadline: number): void {
    while (this.unflushed > 0 && !this.#isEncoding) {
      this.#flush(true);
      const rest = Math.max(0, Math.ceil(deadline - now()));
      if (this.unflushed > 0 && !this.#descriptor.blockUntilWritable(rest)) return;
    }
  }

  #refusal(options: WaitOptions | undefined): Error | undefined {
    if (!this.#descriptor.isOpenFor(WRITABLE)) return this.#descriptor.closedError();
    return this.#failure ?? refuse(options, undefined, this.#unwritten);
  }

  #putRefusal(options: WaitOptions | undefined): Error | undefined {
    const refusal = this.#refusal(options);
    if (refusal !== undefined) return refusal;
    if (this.#isEncoding) {
      return new EncodeError(
        'value',
        'a getter, Proxy, reduce or encoder of a message puts another one on the same channel',
      );
    }
    if (this.unflushed > this.#queueLimit) {
      return new QueueFullError(
        `${this.#name}: ${String(this.unflushed)} bytes are queued already, over the limit of ${String(this.#queueLimit)} ` +
          `(queueLimit): await each put(), so that it waits while the pipe is full`,
      );
    }
    return undefined;
  }

  /** One frame more in the output buffer; unless it throws, and then all is as it was. */
  #append(value: unknown): void {
    const out = this.#out;
    const start = out.position;
    const position = this.#accepted;
    let borrowed: Buffer | undefined;
    let isEncoded = false;
    this.#handles.begin();
    this.#isEncoding = true;
    try {
      out.ensure(HEADER_LENGTH);
      out.position += HEADER_LENGTH;
      this.#encoder.encode(out, value, this.#handles);
      isEncoded = true;
      borrowed = out.borrowed;
      const length = out.position - start - HEADER_LENGTH + (borrowed?.length ?? 0);
      this.#frames.writeHeader(length, out.buffer, start, this.#nameNow);
      // The value's own code may have disposed of the channel.
      if (!this.#descriptor.isOpenFor(WRITABLE)) throw this.#descriptor.closedError();
    } catch (error) {
      // The encoder takes the message for sent.
      if (isEncoded) this.#encoder.reset();
      out.position = start;
      this.#handles.abandon();
      throw error;
    } finally {
      out.borrowed = undefined;
      this.#isEncoding = false;
    }
    this.#end = out.position;
    const fds = this.#handles.finish();
    if (fds.length > 0) this.#parcels.push({ position, fds });
    this.#descriptor.unflushed += out.position - start;
    unflushed.add(this);
    this.#turn.count();
    if (borrowed !== undefined) this.#sendBorrowed(borrowed);
  }

  /** Sends a payload, with all that is before it, from where it is. What the kernel doesn't take at once is copied. */
  #sendBorrowed(bytes: Buffer): void {
    const out = this.#out;
    let taken = 0;
    // However many bytes went before it: a copy would cost more of the turn than writing it.
    if (this.#parcels.length === 0 && !this.#turn.isOver) {
      const before = this.unflushed;
      const result = this.#descriptor.write([out.buffer.subarray(this.#head, this.#end), bytes], 0);
      // What went wrong, the next flush hears again.
      const sent = Math.max(0, result);
      this.#head += Math.min(sent, before);
      this.#descriptor.unflushed -= Math.min(sent, before);
      taken = Math.max(0, sent - before);
      this.#turn.look();
    }
    if (taken > 0) {
      this.#rewind();
      this.#base += taken;
    }
    if (taken === bytes.length) return;
    out.append(bytes.subarray(taken));
    this.#end = out.position;
    this.#descriptor.unflushed += bytes.length - taken;
    unflushed.add(this);
  }

  get #mayWriteNow(): boolean {
    return this.#descriptor.mayWriteNow && !this.#turn.isOver;
  }

  #flush(all = false): void {
    // The output buffer is the encoder's until the frame is whole. Whoever encodes will flush.
    if (this.#isEncoding) return;
    if (!this.#descriptor.isOpenFor(WRITABLE)) this.#drop();
    this.#batch = undefined;
    while (this.unflushed > 0 && (all || this.#mayWriteNow)) {
      const result = this.#write();
      if (result === 0) break;
      if (result < 0) {
        this.#fail(result);
        return;
      }
    }
    const isDone = this.unflushed === 0;
    if (isDone) this.#rewind();
    const isFull = !isDone && !this.#turn.isOver;
    this.#descriptor.waitWritable(isFull ? this.#interest : undefined);
    if (!isDone && !isFull) this.#goOnSoon();
    this.#settle();
  }

  /** There is room, perhaps, but a socket only tells of much room: so the loop's next turn is what is waited for. */
  #goOnSoon(): void {
    if (this.#goesOn) return;
    this.#goesOn = true;
    setImmediate(() => {
      this.#goesOn = false;
      this.#turn.begin();
      this.#flush();
    });
  }

  /** One system call. 0: not now; below: a negative errno. */
  #write(): number {
    const [parcel, second] = this.#parcels;
    const isHere = parcel !== undefined && parcel.position === this.#written;
    const next = isHere ? second : parcel;
    const end = next === undefined ? this.#end : next.position - this.#base;
    let length = end - this.#head;
    let passed: OwnedFd[] = [];
    if (isHere) {
      passed = parcel.fds.slice(0, MAX_PASSED);
      // Each call that carries descriptors needs a byte of its own: what is over one call's number takes the next one.
      if (parcel.fds.length > MAX_PASSED) length = 1;
    }
    const numbers = isHere ? Int32Array.from(passed, (fd) => fd.number) : undefined;
    const result = this.#descriptor.send(this.#out.buffer, this.#head, length, numbers);
    if (result < 0) return result === -constants.errno.EAGAIN ? 0 : result;

    this.#head += result;
    this.#descriptor.unflushed -= result;
    if (isHere) {
      // Even a partial send has carried all of them.
      for (const fd of passed) fd.close();
      this.#parcels.shift();
      const rest = parcel.fds.slice(MAX_PASSED);
      if (rest.length > 0) this.#parcels.unshift({ position: this.#written, fds: rest });
    }
    return result;
  }

  #rewind(): void {
    unflushed.delete(this);
    if (this.#isEncoding) return;
    this.#base += this.#end;
    this.#head = this.#end = 0;
    this.#out.empty();
  }

  /** While this is set at the descriptor, it keeps the channel from being collected. */
  readonly #interest: Interest = {
    ready: () => {
      this.#turn.begin();
      this.#flush();
    },
    closed: () => {
      this.failAsClosed();
    },
  };

  #joinBatch(): Promise<void> {
    if (this.#batch === undefined) {
      this.#batch = this.#wait(undefined);
    }
    this.#batch.position = this.#accepted;
    return this.#batch.pending.promise;
  }

  #reach(options: WaitOptions | undefined): Promise<void> {
    if (this.#failure !== undefined) return rejected(this.#failure);
    return this.unflushed === 0 ? DONE : this.#wait(options).pending.promise;
  }

  #wait(options: WaitOptions | undefined): Waiter {
    // Those that wait stand in the order of their positions: what is put from here on comes after this one.
    this.#batch = undefined;
    const pending = new Pending<void>(options, this.#unwritten, () => {
      this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
    });
    pending.promise.catch(() => undefined);
    const waiter: Waiter = { position: this.#accepted, pending };
    this.#waiters.push(waiter);
    return waiter;
  }

  #settle(): void {
    let done = 0;
    while (done < this.#waiters.length && (this.#waiters[done] as Waiter).position <= this.#written) done++;
    if (done > 0) for (const { pending } of this.#waiters.splice(0, done)) pending.resolve();
  }

  /** Calls back once when nothing can be sent any more. */
  watch(onOver: (error: Error) => void): void {
    if (this.#failure === undefined) this.#onOver = onOver;
    else onOver(this.#failure);
  }

  /** Somebody saw that the peer has gone before a put did. */
  peerGone(): void {
    if (this.#failure === undefined) this.#fail(EPIPE);
  }

  #fail(errno: number): void {
    const isGone = errno === EPIPE || errno === ECONNRESET;
    this.#failure = isGone
      ? new BrokenPipeError(`${this.#name}: the other end of the channel is closed`, { syscall: 'write' })
      : new SystemError(errno, 'write', this.#name);
    this.#drop();
    this.#descriptor.waitWritable(undefined);
    for (const { pending } of this.#waiters.splice(0)) pending.reject(this.#failure);
    this.#onOver?.(this.#failure);
  }

  /** A message whose delivery failed takes its handles along: they are closed. */
  #drop(): void {
    this.#descriptor.unflushed -= this.unflushed;
    this.#head = this.#end;
    this.#rewind();
    for (const { fds } of this.#parcels.splice(0)) for (const fd of fds) fd.close();
  }

  /** Before it is closed with something unsent: whoever waits rejects. */
  failAsClosed(cause?: Error): void {
    this.#drop();
    const error = new ClosedError(`${this.#name} was closed while a put waited`, cause && { cause });
    for (const { pending } of this.#waiters.splice(0)) pending.reject(error);
  }

  readonly #unwritten = (): string => `${this.#name}: the message could not be written (it stays queued)`;

  readonly #nameNow = (): string => this.#name;

  get #name(): string {
    return this.#descriptor.toString();
  }
}

function rejected(error: Error): Promise<void> {
  const promise = Promise.reject(error);
  promise.catch(() => undefined);
  return promise;
}

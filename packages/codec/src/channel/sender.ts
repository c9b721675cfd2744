import { constants } from 'node:os';
import { BrokenPipeError, ClosedError, SystemError, type WaitOptions } from '@aiopipe/core';
import {
  handled,
  mayAnswerNow,
  nextShare,
  nextTick,
  now,
  Progress,
  refuse,
  setImmediate,
  unflushed,
  WRITABLE,
  type Descriptor,
  type Interest,
} from '@aiopipe/core/internal';
import { EncodeError, QueueFullError } from '../errors.js';
import { FrameEncoder } from '../frame/frame-encoder.js';
import { HEADER_LENGTH } from '../frame/format.js';
import { enclose } from './envelope.js';
import { type MessageEncoder } from './message-codec.js';
import { OutgoingHandles } from '../moving/outgoing-handles.js';
import { type ChannelSettings } from './options.js';
import { renamePath } from '../serializer/rename-path.js';
import { SendQueue } from './send-queue.js';
import { Turn } from './turn.js';

/** Messages of one turn are gathered, and flushed at its end or at this many bytes. */
const FLUSH_AT = 64 * 1024;
const EPIPE = -constants.errno.EPIPE;
const ECONNRESET = -constants.errno.ECONNRESET;
const DONE = Promise.resolve();

/** The sending half of a channel: encodes messages, gathers them, writes them, and settles the calls that wait. */
export class Sender {
  readonly #descriptor: Descriptor;
  readonly #encoder: MessageEncoder;
  readonly #frames: FrameEncoder;
  readonly #queueLimit: number;
  /** Whether messages go in envelopes: see `envelope.ts`. */
  readonly #encloses: boolean;
  readonly #handles: OutgoingHandles;
  readonly #queue = new SendQueue();
  readonly #progress = new Progress();
  readonly #turn = new Turn();
  /** Whether the loop's next turn goes on with the unflushed bytes. */
  #goesOn = false;
  /** How many messages were put. */
  messages = 0;
  #isEncoding = false;
  #flushIsDue = false;
  #failure: Error | undefined;
  readonly #onOver: ((error: Error) => void)[] = [];

  /**
   * @param canPass - whether handles can travel over this descriptor
   * @param destination - names the receiver of handles in later errors about them
   */
  constructor(
    descriptor: Descriptor,
    encoder: MessageEncoder,
    settings: Pick<ChannelSettings, 'maxFrameLength' | 'queueLimit' | 'context'>,
    canPass: boolean,
    destination: () => string,
  ) {
    this.#descriptor = descriptor;
    this.#encoder = encoder;
    this.#frames = new FrameEncoder({ maxFrameLength: settings.maxFrameLength });
    this.#queueLimit = settings.queueLimit;
    this.#encloses = settings.context === true;
    this.#handles = new OutgoingHandles(canPass, destination);
  }

  /** The number of bytes that the kernel has not taken yet. */
  get unflushed(): number {
    return this.#progress.unflushed;
  }

  /** How many bytes the kernel has taken. */
  get bytes(): number {
    return this.#progress.written;
  }

  get isBusy(): boolean {
    return this.unflushed > 0 || this.#isEncoding;
  }

  put(value: unknown, options: WaitOptions | undefined): Promise<void> {
    const refusal = this.#putRefusal(options);
    if (refusal !== undefined) return handled(Promise.reject(refusal));
    try {
      this.#append(value);
    } catch (error) {
      return handled(Promise.reject(error as Error));
    }
    if (!this.#gather()) return this.#reach(options);
    return options === undefined ? this.#progress.reachTogether() : this.#reach(options);
  }

  /** Flushes at the end of the turn. Returns false if there were so many bytes that it flushed at once, or none. */
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

  /** See {@link put}, but throws. Returns false if the pipe is full. */
  putSoon(value: unknown): boolean {
    const refusal = this.#putRefusal(undefined);
    if (refusal !== undefined) throw refusal;
    this.#append(value);
    return this.#gather() || this.unflushed === 0;
  }

  /**
   * See {@link put}, but throws, and writes at once what the pipe takes. Returns false if that was not all, or if the peer has
   * closed.
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
    if (refusal !== undefined) return handled(Promise.reject(refusal));
    this.#flush();
    if (this.#failure !== undefined || this.unflushed > 0) return this.#reach(options);
    return mayAnswerNow() ? DONE : nextShare();
  }

  /** Writes what the kernel takes at once, also if this turn's budget is used up. */
  flushNow(): void {
    this.#flush(true);
  }

  /** Blocks the thread until the pipe has taken everything, or until the deadline. */
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
        'a getter, Proxy, reduce or encoder of a message puts another message on the same channel',
      );
    }
    if (this.unflushed > this.#queueLimit) {
      return new QueueFullError(
        `${this.#name}: ${String(this.unflushed)} bytes are queued already, over the limit of ${String(this.#queueLimit)} ` +
          '(queueLimit): await each put(), so that it waits while the pipe is full, or raise queueLimit',
      );
    }
    return undefined;
  }

  /** Encodes a message and queues its frame. If it throws, nothing has changed. */
  #append(value: unknown): void {
    const out = this.#queue.output;
    const start = out.position;
    let borrowed: Buffer | undefined;
    let isEncoded = false;
    this.#handles.begin();
    this.#isEncoding = true;
    try {
      out.ensure(HEADER_LENGTH);
      out.position += HEADER_LENGTH;
      this.#encoder.encode(out, this.#encloses ? enclose(value) : value, this.#handles);
      isEncoded = true;
      borrowed = out.borrowed;
      const length = out.position - start - HEADER_LENGTH + (borrowed?.length ?? 0);
      this.#frames.writeHeader(length, out.buffer, start, this.#nameNow);
      // The value's own code, such as a getter, may have disposed of the channel.
      if (!this.#descriptor.isOpenFor(WRITABLE)) throw this.#descriptor.closedError();
    } catch (error) {
      // The encoder takes the message for sent.
      if (isEncoded) this.#encoder.reset();
      this.#queue.rollBack();
      this.#handles.abandon();
      throw this.#encloses ? renamePath(error, 'value[0]', 'value') : error;
    } finally {
      out.borrowed = undefined;
      this.#isEncoding = false;
    }
    this.#accept(this.#queue.commit(this.#handles.finish()));
    this.#turn.count();
    this.messages++;
    if (borrowed !== undefined) this.#sendBorrowed(borrowed);
  }

  /** Sends a payload without a copy, after all queued bytes. Bytes that the kernel does not take at once are copied. */
  #sendBorrowed(bytes: Buffer): void {
    const queue = this.#queue;
    let taken = 0;
    // Also after many other bytes: a copy would take more of the turn than the system call.
    if (!queue.hasDescriptors && !this.#turn.isOver) {
      const before = queue.length;
      // If the call fails, the next flush hears of it.
      const sent = Math.max(0, this.#descriptor.write([queue.bytes, bytes], 0));
      queue.advance(Math.min(sent, before));
      this.#count(Math.min(sent, before));
      taken = Math.max(0, sent - before);
      this.#turn.look();
    }
    if (taken > 0) this.#rewind();
    if (taken === bytes.length) return;
    queue.output.append(bytes.subarray(taken));
    this.#accept(queue.commit());
  }

  #accept(count: number): void {
    this.#progress.accepted += count;
    this.#descriptor.unflushed += count;
    unflushed.add(this);
  }

  #count(written: number): void {
    this.#progress.written += written;
    this.#descriptor.unflushed -= written;
  }

  get #mayWriteNow(): boolean {
    return this.#descriptor.mayWriteNow && !this.#turn.isOver;
  }

  #flush(all = false): void {
    // The encoder writes to the output buffer until the frame is whole. The put() flushes then.
    if (this.#isEncoding) return;
    if (!this.#descriptor.isOpenFor(WRITABLE)) this.#drop();
    this.#progress.endSharing();
    while (this.unflushed > 0 && (all || this.#mayWriteNow)) {
      const result = this.#queue.write(this.#descriptor);
      if (result === 0) break;
      if (result < 0) {
        this.#fail(result);
        return;
      }
      this.#count(result);
    }
    const isDone = this.unflushed === 0;
    if (isDone) this.#rewind();
    const isFull = !isDone && !this.#turn.isOver;
    const waits = this.#descriptor.waitWritable(isFull ? this.#interest : undefined);
    if (waits < 0) {
      this.#fail(waits);
      return;
    }
    if (!isDone && !isFull) this.#goOnSoon();
    this.#progress.settle();
  }

  /** Goes on in the loop's next turn. A socket would tell of room only once most of its buffer is empty. */
  #goOnSoon(): void {
    if (this.#goesOn) return;
    this.#goesOn = true;
    setImmediate(() => {
      this.#goesOn = false;
      this.#turn.begin();
      if (this.unflushed > 0) this.#flush();
    });
  }

  #rewind(): void {
    unflushed.delete(this);
    if (!this.#isEncoding) this.#queue.rewind();
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

  #reach(options: WaitOptions | undefined): Promise<void> {
    if (this.#failure !== undefined) return handled(Promise.reject(this.#failure));
    return this.#progress.reach(this.#progress.accepted, 'all', options, this.#unwritten, nothing, true);
  }

  /** Calls back once if nothing can be sent any more. */
  watch(onOver: (error: Error) => void): void {
    if (this.#failure === undefined) this.#onOver.push(onOver);
    else onOver(this.#failure);
  }

  /** Tells the sender that the peer has closed, before a put() finds out. */
  peerGone(): void {
    if (this.#failure === undefined) this.#fail(EPIPE);
  }

  #fail(errno: number): void {
    const isGone = errno === EPIPE || errno === ECONNRESET;
    const failure = isGone
      ? new BrokenPipeError(`${this.#name}: the other end of the channel is closed`, { syscall: 'write' })
      : new SystemError(errno, 'write', this.#name);
    this.#failure = failure;
    this.#drop();
    this.#descriptor.waitWritable(undefined);
    this.#progress.fail(() => failure);
    for (const onOver of this.#onOver.splice(0)) onOver(failure);
  }

  /** Drops all unsent messages and closes their handles. */
  #drop(): void {
    this.#descriptor.unflushed -= this.unflushed;
    this.#progress.drop();
    this.#queue.drop();
    this.#rewind();
  }

  /** Rejects the calls that wait. Call it before the descriptor is closed. */
  failAsClosed(cause?: Error): void {
    this.#drop();
    this.#progress.fail(() => new ClosedError(`${this.#name} was closed while a put waited`, cause && { cause }));
  }

  readonly #unwritten = (): string => `${this.#name}: the message could not be written (it stays queued)`;

  readonly #nameNow = (): string => this.#name;

  get #name(): string {
    return this.#descriptor.toString();
  }
}

function nothing(): void {
  // A put that no longer waits is sent all the same.
}

import { BusyError, ClosedError, IncompleteReadError, SystemError, type WaitOptions } from '@aiopipe/core';
import { constants } from 'node:os';
import { types } from 'node:util';
import {
  EAGAIN,
  nextTick,
  Pending,
  READABLE,
  refuse,
  setImmediate,
  type Descriptor,
  type Interest,
  type OwnedFd,
} from '@aiopipe/core/internal';
import { DecodeError, EndOfStreamError, InvalidMessageError } from '../errors.js';
import { FrameDecoder } from '../frame/frame-decoder.js';
import { HEADER_LENGTH } from '../frame/format.js';
import { type MessageDecoder } from './message-codec.js';
import { IncomingFds } from '../moving/incoming-fds.js';
import { type FrameBuffer } from '../frame/frame-buffer.js';
import { Turn } from './turn.js';
import { type Check } from './validation.js';

/** Stands for a message that is not there. */
export const NOTHING = Symbol('nothing');

/** Bytes that were read from the kernel and not taken by a `get()`. They move along with the end. */
export interface ReadAhead {
  readonly bytes: Buffer;
  readonly fds: readonly OwnedFd[];
}

/** A call that waits for a message. */
export interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Takes all messages of a channel, one after another, in the place of `get()`. */
export interface Follower {
  /** Completes messages about the channel's use: `calls (expose() or proxy())`. */
  readonly name: string;
  /** Whether the channel has work of the follower's, so that `close()` throws BusyError. */
  readonly isBusy: boolean;
  /** Whether waiting for messages keeps the event loop alive. After a change, call {@link Receiver.holdFollower}. */
  readonly holdsLoop: boolean;
  /** Must not throw. */
  take(message: unknown): void;
  /** A message could not be built. `rest` is what could be; undefined if nothing. More messages come. */
  unbuilt(error: DecodeError, rest: unknown): void;
  /** No more messages come. */
  ended(error: Error): void;
}

/** A message that an asynchronous schema checks. It is given before the next one is decoded. */
interface Held {
  outcome?: { readonly value: unknown } | { readonly error: unknown };
}

/** The receiving half of a channel: reads while a call waits, decodes frames, and gives each message to one `get()`. */
export class Receiver {
  readonly #descriptor: Descriptor;
  readonly #decoder: MessageDecoder;
  readonly #frames: FrameDecoder;
  readonly #buffer: FrameBuffer;
  readonly #fds = new IncomingFds();
  /** The number of bytes of the stream that have come. */
  #received = 0;
  #waiting: Waiting[] = [];
  #follower: Follower | undefined;
  #check: Check | undefined;
  #held: Held | undefined;
  #onOver: ((error: Error) => void) | undefined;
  #ended = false;
  #failure: Error | undefined;
  /** The last read took less than there was room for, so the next one would fail with EAGAIN. */
  #drained = false;
  /** Whether a message is being decoded in place: no read may overwrite it. */
  #isDecoding = false;
  readonly #turn = new Turn();
  /** Whether the loop's next turn goes on with the calls that wait. */
  #goesOn = false;
  readonly #onBreak: (error: Error) => void;

  /** @param onBreak - called after bytes that cannot be understood: it must close the channel */
  constructor(
    descriptor: Descriptor,
    decoder: MessageDecoder,
    maxFrameLength: number,
    onBreak: (error: Error) => void,
  ) {
    this.#descriptor = descriptor;
    this.#decoder = decoder;
    this.#frames = new FrameDecoder({ maxFrameLength });
    this.#buffer = this.#frames.buffer;
    this.#buffer.keepsBytes = decoder.keepsBytes;
    this.#onBreak = onBreak;
  }

  get isBusy(): boolean {
    return this.#waiting.length > 0 || this.#isDecoding || this.#follower?.isBusy === true;
  }

  /** What takes all messages, if there is such a thing. */
  get follower(): Follower | undefined {
    return this.#follower;
  }

  /** Gives all messages to `follower` from the next turn of the event loop on, until the channel ends. */
  follow(follower: Follower): void {
    const refusal = this.followedError;
    if (refusal !== undefined) throw refusal;
    if (this.isBusy) throw new BusyError(`${this.#name}: a get() waits; ${follower.name} must be the only reader`);
    if (this.#check !== undefined || this.#held !== undefined) {
      throw new TypeError(
        `${this.#name} has a schema of validate(), which would check the messages of ${follower.name}`,
      );
    }
    this.#follower = follower;
    // A program may start several things on one channel before it hears of the first message.
    nextTick(() => {
      if (this.#follower === follower && this.#descriptor.isOpenFor(READABLE)) this.#goOn();
    });
  }

  /** The follower's `holdsLoop` has changed. */
  holdFollower(): void {
    if (this.#waits !== undefined) this.#update();
  }

  /** The error of other uses of a channel that has a follower. */
  get followedError(): BusyError | undefined {
    if (this.#follower === undefined) return undefined;
    return new BusyError(`${this.#name}: ${this.#follower.name} use this channel; use another channel for messages`);
  }

  /** Whether a message was decoded that no call has got yet. */
  get holdsMessage(): boolean {
    return this.#held !== undefined;
  }

  /** Checks every message from now on. */
  set check(check: Check) {
    const refusal = this.followedError;
    if (refusal !== undefined) throw refusal;
    this.#check = check;
  }

  /** The descriptors that came for messages that were not taken. The channel's end closes them. */
  get arrivedFds(): IncomingFds {
    return this.#fds;
  }

  get(options: WaitOptions | undefined): Promise<unknown> {
    const refusal = this.#closedError() ?? this.followedError ?? refuse(options, undefined, this.#noMessage);
    if (refusal !== undefined) return Promise.reject(refusal);
    try {
      const value = this.getNow();
      if (value !== NOTHING) return Promise.resolve(value);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    const pending = new Pending<unknown>(options, this.#noMessage, () => {
      // A message that is here is in time, if only the turn's budget was used up. It settles the promise.
      if (this.#turn.isOver && !options?.signal?.aborted) this.#goOn();
      this.leave(pending);
    });
    this.#waiting.push(pending);
    this.#update();
    return pending.promise;
  }

  /** Returns the next message if it needs no wait, else {@link NOTHING}. Throws what `get()` would reject with. */
  getNow(): unknown {
    const refusal = this.followedError;
    if (refusal !== undefined) throw refusal;
    if (this.isBusy || this.#turn.isOver) return NOTHING;
    try {
      return this.#next();
    } finally {
      this.#serve();
    }
  }

  /** Adds a call that waits at other receivers, too. */
  enter(waiting: Waiting): void {
    const refusal = this.followedError;
    if (refusal !== undefined) {
      waiting.reject(refusal);
      return;
    }
    this.#waiting.push(waiting);
    if (!this.#isDecoding) this.#serve();
  }

  leave(waiting: Waiting): void {
    const index = this.#waiting.indexOf(waiting);
    if (index >= 0) this.#waiting.splice(index, 1);
    this.#update();
  }

  /** Calls back once if no more messages come. While no call waits, it looks for the end without holding the event loop. */
  watch(onOver: (error: Error) => void): void {
    this.#onOver = onOver;
    // Looks at once, too: the loop may end before it reports an end that has happened already.
    if (this.#watchesNow()) this.#watching.ready();
    else this.#update();
  }

  tryGet(): { value: unknown } | undefined {
    const refusal = this.#closedError() ?? this.followedError;
    if (refusal !== undefined) throw refusal;
    if (this.isBusy) return undefined;
    // Reads also after a short read, or with the turn's budget used up: no call waits for the loop to tell of news.
    let value = this.#cut();
    while (value === NOTHING && this.#held === undefined && this.#fill()) value = this.#cut();
    this.#serve();
    return value === NOTHING ? undefined : { value };
  }

  #closedError(): ClosedError | undefined {
    return this.#descriptor.isOpenFor(READABLE) ? undefined : this.#descriptor.closedError();
  }

  /** Returns the next message, from the buffer or from reads within the turn's budget. Throws what `get()` would reject with. */
  #next(): unknown {
    for (;;) {
      const value = this.#cut();
      if (value !== NOTHING || this.#drained || this.#held !== undefined) return value;
      if (!this.#descriptor.mayReadNow || !this.#fill()) return value;
    }
  }

  /** Returns one message from the buffer. */
  #cut(): unknown {
    if (this.#held !== undefined) return this.#takeHeld(this.#held);
    if (this.#failure !== undefined) throw this.#failure;
    let length: number;
    try {
      length = this.#frames.wholeLength(this.#nameNow);
    } catch (error) {
      throw this.#break(error as Error);
    }
    if (length >= 0) return this.#decode(length);
    if (!this.#ended) return NOTHING;
    if (this.#buffer.available === 0) throw this.#over(this.#endOfStream());
    throw this.#fail(this.#incomplete());
  }

  #incomplete(): IncompleteReadError {
    return new IncompleteReadError(`${this.#name}: the other end was closed inside a message`, this.#buffer.rest);
  }

  #decode(length: number): unknown {
    const { bytes } = this.#buffer;
    const start = this.#buffer.start + HEADER_LENGTH;
    const isOwn = this.#buffer.take(length);
    this.#turn.count();
    this.#isDecoding = true;
    const isAwaited = this.#waiting.length > 0;
    try {
      const value = this.#decoder.decode(bytes, start, start + length, this.#fds, isOwn);
      if (this.#fds.hasLeftBefore(this.#received - this.#buffer.available)) throw this.#undeclared();
      const checked = this.#check === undefined ? value : this.#check(value);
      if (this.#check !== undefined && types.isPromise(checked)) return this.#hold(checked);
      // The message's own code has closed the channel, and so ended the wait.
      if (isAwaited && this.#waiting.length === 0 && !this.#descriptor.isOpenFor(READABLE)) {
        this.#fds.closeMade();
        return NOTHING;
      }
      this.#fds.made = undefined;
      return checked;
    } catch (error) {
      if (error instanceof InvalidMessageError) this.#fds.closeMade();
      if (!(error instanceof DecodeError)) throw error;
      if (!error.fatal && this.#fds.hasLeftBefore(this.#received - this.#buffer.available))
        throw this.#break(this.#undeclared());
      const named = this.#named(error);
      // The bytes that follow could be taken for something else.
      throw error.fatal ? this.#break(this.#fds.wereLost ? this.#lostHandles() : named) : named;
    } finally {
      this.#isDecoding = false;
    }
  }

  #hold(checked: Promise<unknown>): typeof NOTHING {
    const held: Held = (this.#held = {});
    const settle = (outcome: NonNullable<Held['outcome']>) => {
      held.outcome = outcome;
      if ('error' in outcome) this.#fds.closeMade();
      if (this.#descriptor.isOpenFor(READABLE)) this.#serve();
    };
    checked.then(
      (value) => {
        settle({ value });
      },
      (error: unknown) => {
        settle({ error });
      },
    );
    return NOTHING;
  }

  #takeHeld({ outcome }: Held): unknown {
    if (outcome === undefined) return NOTHING;
    this.#held = undefined;
    this.#fds.made = undefined;
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  #named(error: DecodeError): DecodeError {
    const cause = 'cause' in error ? { cause: error.cause } : {};
    return new DecodeError(`${this.#name}: ${error.message}`, { ...cause, fatal: error.fatal });
  }

  #undeclared(): DecodeError {
    return new DecodeError('more descriptors arrived with a message than it names');
  }

  #endOfStream(): EndOfStreamError {
    return new EndOfStreamError(`${this.#name}: the other end is closed, and all messages were taken`);
  }

  /** Messages before the one with the lost handles have arrived. */
  #lostHandles(): SystemError {
    const about = `${this.#name}: handles that a peer sent could not be received`;
    return new SystemError(-constants.errno.EMFILE, 'recvmsg', about);
  }

  #fail(error: Error): Error {
    this.#failure = error;
    this.#fds.closeAll();
    return this.#over(error);
  }

  #over(error: Error): Error {
    const onOver = this.#onOver;
    this.#onOver = undefined;
    onOver?.(error);
    return error;
  }

  #break(error: Error): Error {
    this.#fail(error);
    this.#onBreak(error);
    return error;
  }

  /** Makes one system call. Returns false if there is nothing to read now. */
  #fill(): boolean {
    const buffer = this.#buffer;
    buffer.makeRoom();
    const room = buffer.bytes.length - buffer.end;
    let count: number;
    try {
      count = this.#descriptor.receive(buffer.bytes, buffer.end, room, this.#fds.arrivals);
    } catch (error) {
      this.#fail(error as Error);
      return true;
    }
    this.#drained = count < room;
    if (count === EAGAIN) {
      buffer.restore();
      return false;
    }
    this.#received += count;
    this.#fds.collect(this.#received);
    if (count === 0) this.#ended = true;
    buffer.end += count;
    if (this.#fds.areTooMany) this.#break(this.#named(this.#undeclared()));
    return true;
  }

  /** The interest of the calls that wait, or of the follower; undefined if there are none. */
  get #waits(): Interest | undefined {
    if (this.#follower !== undefined) return this.#follower.holdsLoop ? this.#interest : this.#idleInterest;
    return this.#waiting.length > 0 && this.#held === undefined ? this.#interest : undefined;
  }

  #update(): void {
    const waits = this.#waits;
    this.#descriptor.waitReadable(waits ?? (this.#watchesNow() ? this.#watching : undefined));
    if (waits === undefined || !this.#turn.isOver || this.#goesOn) return;
    this.#goesOn = true;
    setImmediate(() => {
      this.#goesOn = false;
      if (this.#waits !== undefined) this.#goOn();
    });
  }

  #goOn(): void {
    this.#drained = false;
    this.#turn.begin();
    this.#serve();
  }

  /** Whether it must only look for the end. A message that has come is taken first. */
  #watchesNow(): boolean {
    if (this.#onOver === undefined || this.#waiting.length > 0 || this.#follower !== undefined) return false;
    if (this.#held !== undefined || this.#frames.hasNews) return false;
    if (this.#failure === undefined && !this.#ended) return true;
    if (this.#failure === undefined && this.#buffer.available > 0) this.#fail(this.#incomplete());
    this.#over(this.#failure ?? this.#endOfStream());
    return false;
  }

  /** Gives messages that are there to the calls that wait. After a get that need not wait, its decoder may have made them. */
  #serve(): void {
    if (this.#follower !== undefined) {
      this.#serveFollower(this.#follower);
      return;
    }
    if (this.#waiting.length === 0) {
      if (this.#onOver !== undefined) this.#update();
      return;
    }
    while (this.#waiting.length > 0 && !this.#turn.isOver) {
      try {
        const value = this.#next();
        if (value === NOTHING) break;
        const first = this.#waiting.shift();
        if (first !== undefined) first.resolve(value);
        // The message's own decoding has ended the wait.
        else this.#held = { outcome: { value } };
      } catch (error) {
        this.#waiting.shift()?.reject(error);
      }
    }
    this.#update();
  }

  #serveFollower(follower: Follower): void {
    // What it does with a message may close the channel.
    while (!this.#turn.isOver && this.#descriptor.isOpenFor(READABLE)) {
      let value: unknown;
      try {
        value = this.#next();
      } catch (error) {
        if (error instanceof DecodeError && !error.fatal) {
          follower.unbuilt(error, this.#decoder.takeUnbuilt());
          continue;
        }
        this.endFollower(error as Error);
        break;
      }
      if (value === NOTHING) break;
      follower.take(value);
    }
    this.#update();
  }

  /** Nothing can be sent any more: gives the follower what has come already, and then `error`. */
  finishFollower(error: Error): void {
    this.#goOn();
    if (this.#turn.isOver || !this.#descriptor.mayReadNow) {
      setImmediate(() => {
        this.finishFollower(error);
      });
    } else this.endFollower(error);
  }

  /** Tells the follower that no more messages come. Call it before the descriptor is closed. */
  endFollower(error = this.#failure ?? new ClosedError(`${this.#name} was closed`)): void {
    const follower = this.#follower;
    this.#follower = undefined;
    follower?.ended(error);
  }

  /** While this is set at the descriptor, it keeps the channel from being collected. */
  readonly #interest: Interest = {
    ready: () => {
      // If the budget is used up, the next turn goes on: this would be a second budget in the same turn.
      if (!this.#goesOn) this.#goOn();
    },
    closed: () => {
      this.failAsClosed();
    },
  };

  /** The same for a follower that waits for nothing. */
  readonly #idleInterest: Interest = { ...this.#interest, holdsLoop: false };

  /** For {@link watch}: reads no further than one message. While this is set, it keeps the channel, too. */
  readonly #watching: Interest = {
    holdsLoop: false,
    ready: () => {
      this.#drained = false;
      this.#fill();
      this.#update();
    },
    closed: () => undefined,
  };

  /** Rejects the calls that wait. Call it before the descriptor is closed. */
  failAsClosed(): void {
    this.endFollower();
    const error = new ClosedError(`${this.#name} was closed while a get waited`);
    for (const pending of this.#waiting.splice(0)) pending.reject(error);
  }

  /** Returns the bytes that were read and not taken, and keeps them. */
  get readAhead(): ReadAhead {
    return { bytes: this.#buffer.rest, fds: this.#fds.all };
  }

  /** Forgets the bytes that were read and not taken: they have moved. */
  forgetReadAhead(): void {
    this.#buffer.start = this.#buffer.end = 0;
    this.#fds.forgetAll();
  }

  /** Takes over, before the first read, what an end that moved here had read. */
  giveReadAhead(bytes: Buffer, fds: readonly number[]): void {
    this.#buffer.fill(bytes);
    this.#received = bytes.length;
    for (const fd of fds) this.#fds.give(fd, bytes.length);
  }

  get decoder(): MessageDecoder {
    return this.#decoder;
  }

  readonly #nameNow = (): string => this.#name;

  readonly #noMessage = (): string => `${this.#name}: no message came`;

  get #name(): string {
    return this.#descriptor.toString();
  }
}

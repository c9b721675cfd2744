import { IncompleteReadError, SystemError } from '@aiopipe/core';
import { constants } from 'node:os';
import { types } from 'node:util';
import { EAGAIN, READABLE, type CarriedContext, type Descriptor, type OwnedFd } from '@aiopipe/core/internal';
import { DecodeError, EndOfStreamError, InvalidMessageError } from '../errors.js';
import { FrameDecoder } from '../frame/frame-decoder.js';
import { HEADER_LENGTH } from '../frame/format.js';
import { readEnvelope } from './envelope.js';
import { type MessageDecoder } from './message-codec.js';
import { IncomingFds } from '../moving/incoming-fds.js';
import { type FrameBuffer } from '../frame/frame-buffer.js';
import { type ChannelSettings } from './options.js';
import { Turn } from './turn.js';
import { type Check } from './validation.js';

/** Stands for a message that is not there. */
export const NOTHING = Symbol('nothing');

/** Bytes that were read from the kernel and not taken by a `get()`. They move along with the end. */
export interface ReadAhead {
  readonly bytes: Buffer;
  readonly fds: readonly OwnedFd[];
  /** Whether the kernel could not deliver descriptors of these bytes. */
  readonly wereLost: boolean;
}

/** A message that waits for an asynchronous schema, or for the next call. It is given before the next one is decoded. */
interface Held {
  outcome?: { readonly value: unknown } | { readonly error: unknown };
  readonly context: CarriedContext | undefined;
}

/** The messages of a descriptor: reads bytes, cuts frames, decodes and checks them. It does not know the calls that wait. */
export class IncomingMessages {
  readonly #descriptor: Descriptor;
  readonly #decoder: MessageDecoder;
  readonly #frames: FrameDecoder;
  readonly #buffer: FrameBuffer;
  readonly #fds = new IncomingFds();
  readonly #onBreak: (error: Error) => void;
  readonly #onSettled: () => void;
  /** The number of bytes of the stream that have come. */
  #received = 0;
  /** How many messages were decoded. */
  count = 0;
  #held: Held | undefined;
  #ended = false;
  #failure: Error | undefined;
  /** Checks every message, once it is set. */
  check: Check | undefined;
  /** Whether messages come in envelopes: see `envelope.ts`. */
  readonly #areEnclosed: boolean;
  /** The context of the message that was given last. */
  context: CarriedContext | undefined;
  /** Called once if no more messages come. */
  onOver: ((error: Error) => void) | undefined;
  /** Whether the last read took less than there was room for, so that the next one would fail with EAGAIN. */
  isDrained = false;
  /** Whether a message is being decoded in place: no read may overwrite it. */
  isDecoding = false;
  /** The budget of reads and messages of this turn. */
  readonly turn = new Turn();

  /**
   * @param onBreak - called after bytes that cannot be understood: it must close the channel
   * @param onSettled - called if the message that {@link isHeld} can be taken now
   */
  constructor(
    descriptor: Descriptor,
    decoder: MessageDecoder,
    { maxFrameLength, context }: Pick<ChannelSettings, 'maxFrameLength' | 'context'>,
    onBreak: (error: Error) => void,
    onSettled: () => void,
  ) {
    this.#areEnclosed = context === true;
    this.#descriptor = descriptor;
    this.#decoder = decoder;
    this.#frames = new FrameDecoder({ maxFrameLength });
    this.#buffer = this.#frames.buffer;
    this.#buffer.keepsBytes = decoder.keepsBytes;
    this.#onBreak = onBreak;
    this.#onSettled = onSettled;
  }

  /** Whether a message was decoded that no call has got yet. */
  get isHeld(): boolean {
    return this.#held !== undefined;
  }

  /** The error that ended the messages, other than the end of the stream. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** The descriptors that came for messages that were not taken. The channel's end closes them. */
  get fds(): IncomingFds {
    return this.#fds;
  }

  /** How many bytes have come. */
  get bytes(): number {
    return this.#received;
  }

  get decoder(): MessageDecoder {
    return this.#decoder;
  }

  /**
   * Returns the next message, from the buffer or from reads within the turn's budget; else {@link NOTHING}. Throws what `get()`
   * would reject with.
   *
   * @param isAwaited - whether the message is for a call that waits. If the message's own code closes the channel, that call has
   *   rejected, and the message is dropped
   */
  next(isAwaited: boolean): unknown {
    for (;;) {
      const value = this.#cut(isAwaited);
      if (value !== NOTHING || this.isDrained || this.#held !== undefined) return value;
      if (!this.#descriptor.mayReadNow || !this.fill()) return value;
    }
  }

  /** The same, but reads also after a short read, or with the turn's budget used up. For a call that cannot wait for the loop. */
  nextAtOnce(): unknown {
    let value = this.#cut(false);
    while (value === NOTHING && this.#held === undefined && this.fill()) value = this.#cut(false);
    return value;
  }

  /** Gives a message back: the call that it was for has ended. The next call gets it. */
  putBack(value: unknown): void {
    this.#held = { outcome: { value }, context: this.context };
  }

  /** Whether a message has come that no call has taken. */
  get hasNews(): boolean {
    return this.#held !== undefined || this.#frames.hasNews;
  }

  /** Returns the error that ended the messages; undefined while more may come. */
  endNow(): Error | undefined {
    if (this.#failure === undefined && !this.#ended) return undefined;
    if (this.#failure === undefined && this.#buffer.available > 0) this.#fail(this.#incomplete());
    return this.#failure ?? this.#endOfStream();
  }

  /** Returns one message from the buffer. */
  #cut(isAwaited: boolean): unknown {
    if (this.#held !== undefined) return this.#takeHeld(this.#held);
    if (this.#failure !== undefined) throw this.#failure;
    let length: number;
    try {
      length = this.#frames.wholeLength(this.#nameNow);
    } catch (error) {
      throw this.#break(error as Error);
    }
    if (length >= 0) return this.#decode(length, isAwaited);
    if (!this.#ended) return NOTHING;
    if (this.#buffer.available === 0) throw this.over(this.#endOfStream());
    throw this.#fail(this.#incomplete());
  }

  #incomplete(): IncompleteReadError {
    return new IncompleteReadError(`${this.#name}: the other end was closed inside a message`, this.#buffer.rest);
  }

  #decode(length: number, isAwaited: boolean): unknown {
    const { bytes } = this.#buffer;
    const start = this.#buffer.start + HEADER_LENGTH;
    const isOwn = this.#buffer.take(length);
    this.turn.count();
    this.count++;
    this.isDecoding = true;
    try {
      let value = this.#decoder.decode(bytes, start, start + length, this.#fds, isOwn);
      if (this.#areEnclosed) [value, this.context] = readEnvelope(value);
      if (this.#fds.hasLeftBefore(this.#received - this.#buffer.available)) throw this.#undeclared();
      const checked = this.check === undefined ? value : this.check(value);
      if (this.check !== undefined && types.isPromise(checked)) return this.#hold(checked);
      // The message's own code has closed the channel, and so ended the wait.
      if (isAwaited && !this.#descriptor.isOpenFor(READABLE)) {
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
      this.isDecoding = false;
    }
  }

  #hold(checked: Promise<unknown>): typeof NOTHING {
    const held: Held = (this.#held = { context: this.context });
    const settle = (outcome: NonNullable<Held['outcome']>) => {
      held.outcome = outcome;
      if ('error' in outcome) this.#fds.closeMade();
      if (this.#descriptor.isOpenFor(READABLE)) this.#onSettled();
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

  #takeHeld({ outcome, context }: Held): unknown {
    if (outcome === undefined) return NOTHING;
    this.#held = undefined;
    this.context = context;
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
    return this.over(error);
  }

  /** Tells {@link onOver} once. */
  over(error: Error): Error {
    const onOver = this.onOver;
    this.onOver = undefined;
    onOver?.(error);
    return error;
  }

  #break(error: Error): Error {
    this.#fail(error);
    this.#onBreak(error);
    return error;
  }

  /** Makes one system call. Returns false if there is nothing to read now. */
  fill(): boolean {
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
    this.isDrained = count < room;
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

  /** Returns the bytes that were read and not taken, and keeps them. */
  get readAhead(): ReadAhead {
    return { bytes: this.#buffer.rest, fds: this.#fds.all, wereLost: this.#fds.wereLost };
  }

  /** Forgets the bytes that were read and not taken: they have moved. */
  forgetReadAhead(): void {
    this.#buffer.start = this.#buffer.end = 0;
    this.#fds.forgetAll();
  }

  /** Takes over, before the first read, what an end that moved here had read. */
  giveReadAhead(bytes: Buffer, fds: readonly number[], wereLost: boolean): void {
    this.#buffer.fill(bytes);
    this.#received = bytes.length;
    for (const fd of fds) this.#fds.give(fd, bytes.length);
    this.#fds.wereLost = wereLost;
  }

  readonly #nameNow = (): string => this.#name;

  get #name(): string {
    return this.#descriptor.toString();
  }
}

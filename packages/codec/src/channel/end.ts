import { BusyError, ClosedError } from '@aiopipe/core';
import {
  closeSideWhenDropped,
  Descriptor,
  forget,
  HANDLE,
  HANDLE_IN_JSON,
  inspectFd,
  optionNames,
  Pending,
  READABLE,
  show,
  WRITABLE,
  type Handle,
  type OwnedFd,
  type Move,
  type Packed,
} from '@aiopipe/core/internal';
import { type DecodeLimits } from '../serializer/decode.js';
import { DEFAULT_MAX_FRAME_LENGTH } from '../frame/format.js';
import { resolveDecoder, resolveEncoder, type DecoderOption, type EncoderOption } from './message-codec.js';
import { EndOfStreamError } from '../errors.js';
import { type IncomingFds } from '../moving/passing.js';
import { watchPeer } from './peer-watch.js';
import { Receiver } from './receiver.js';
import { Sender } from './sender.js';

const DEFAULT_QUEUE_LIMIT = 64 * 1024 * 1024;

/** Options of channels. */
export interface ChannelOptions {
  /** How values become bytes; `default`, the serializer, unless given. */
  readonly encoder?: EncoderOption | undefined;
  /** How bytes become values; `default`, the serializer, unless given. */
  readonly decoder?: DecoderOption | undefined;
  /** Bytes of the longest message that is sent or taken. 256 MiB by default. */
  readonly maxFrameLength?: number | undefined;
  /**
   * Bounds of what a message may hold that is received, for a peer that you don't trust: within `maxFrameLength`, a value
   * can take a hundred times the memory that it takes on the wire. What is over one breaks the channel with a DecodeError.
   * They are for the default decoder.
   */
  readonly limits?: DecodeLimits | undefined;
  /** Bytes that may wait for the kernel before a put is refused with QueueFullError. 64 MiB by default. */
  readonly queueLimit?: number | undefined;
  /**
   * Microseconds, 0 by default: for so long the event loop looks for a message that a `get()` waits for before it goes to
   * sleep. Waking up is most of a round trip, so 50 makes answers come several times as fast, as long as a core is free
   * to look with; where none is, it leaves it be. It costs that core's time.
   */
  readonly spin?: number | undefined;
}

export const CHANNEL_OPTIONS = optionNames<ChannelOptions>({
  encoder: true,
  decoder: true,
  maxFrameLength: true,
  limits: true,
  queueLimit: true,
  spin: true,
});

/** {@link ChannelOptions} with nothing left out. */
export type ChannelSettings = { readonly [Name in keyof ChannelOptions]-?: Exclude<ChannelOptions[Name], undefined> };

/** What an end that moves tells its next owner. */
export interface Luggage {
  readonly settings: ChannelSettings;
  /** Read and not taken yet, and what the decoder needs to know to go on from there. */
  readonly ahead?: { readonly bytes: Buffer; readonly tables: unknown };
}

/**
 * Throws TypeError for values that can't be. Names that it doesn't know are the public calls' to refuse: another process's
 * settings may have more of them.
 */
export function readOptions(options: ChannelOptions = {}): ChannelSettings {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`options: expected an object, not ${show(options)}`);
  }
  const { encoder = 'default', decoder = 'default', limits = {} } = options;
  resolveEncoder(encoder);
  resolveDecoder(decoder, limits);
  return {
    encoder,
    decoder,
    maxFrameLength: checkBytes('maxFrameLength', options.maxFrameLength ?? DEFAULT_MAX_FRAME_LENGTH, 0xffffffff),
    limits: { ...limits },
    queueLimit: checkBytes('queueLimit', options.queueLimit ?? DEFAULT_QUEUE_LIMIT, Infinity),
    spin: checkSpin(options.spin ?? 0),
  };
}

/** More would be no short look any more, and starve what else the loop has to do. */
const LONGEST_SPIN = 10_000;

function checkSpin(spin: number): number {
  if (Number.isInteger(spin) && spin >= 0 && spin <= LONGEST_SPIN) return spin;
  throw new TypeError(`spin: expected whole microseconds up to ${String(LONGEST_SPIN)}, not ${show(spin)}`);
}

function checkBytes(name: string, size: number, most: number): number {
  const isWhole = Number.isInteger(size) || size === Infinity;
  if (isWhole && size > 0 && size <= most) return size;
  throw new TypeError(`${name}: expected a positive whole number of bytes up to ${String(most)}, not ${show(size)}`);
}

/** An end that was dropped leaves behind what came for messages that nobody took. */
const leftover = new FinalizationRegistry<IncomingFds>((fds) => {
  fds.closeAll();
});

/** What the three kinds of channel end have in common. @internal */
export abstract class ChannelEnd implements Handle, Disposable {
  protected readonly descriptor: Descriptor;
  protected readonly sender: Sender | undefined;
  protected readonly receiver: Receiver | undefined;
  readonly #settings: ChannelSettings;
  readonly #directions: number;
  #closed: Pending<void> | undefined;
  /** Why it closed itself, until {@link close} was called, too. */
  #brokenBy: Error | undefined;
  #wasClosed = false;

  /** @internal Made by `channel()` and `from()`. */
  constructor(
    owned: OwnedFd,
    directions: number,
    settings: ChannelSettings,
    luggage?: Luggage,
    aheadFds: readonly number[] = [],
  ) {
    this.#settings = settings;
    this.#directions = directions;
    const transport = inspectFd(owned.number, directions, 'channel');
    this.descriptor = new Descriptor(owned, transport, directions);
    if (directions & WRITABLE) {
      const destination = () => `the peer of the ${this.descriptor.toString()}`;
      const canPass = transport.isSocket && transport.isLocal;
      this.sender = new Sender(this.descriptor, resolveEncoder(settings.encoder), settings, canPass, destination);
    }
    if (directions & READABLE) {
      const decoder = resolveDecoder(settings.decoder, settings.limits, luggage?.ahead?.tables);
      this.receiver = new Receiver(this.descriptor, decoder, settings.maxFrameLength, (error) => {
        this.#break(error);
      });
      leftover.register(this, this.receiver.arrivedFds, this);
      if (settings.spin > 0) this.descriptor.spin(settings.spin);
      if (luggage?.ahead !== undefined) this.receiver.giveReadAhead(luggage.ahead.bytes, aheadFds);
    }
    closeSideWhenDropped(this, this.descriptor, directions);
  }

  /** Whether it has been closed or handed on. */
  get isClosed(): boolean {
    return this.descriptor.isClosed;
  }

  /**
   * Settles when this handle is over. It resolves if that was your doing: `close()`, disposal, or handing it on. It rejects
   * if it was not, with the error that `get()` or `put()` rejects with from then on: EndOfStreamError or BrokenPipeError
   * once the peer has gone, DecodeError, say, where what it sent broke the channel. Messages come before the end: to an end
   * that receives, the peer hasn't gone while one is there that nobody took, unless a `put()` fails.
   *
   * As `closed` of web streams, it is no unhandled rejection where nobody looks at it. Whoever has asked for it hears of a
   * peer's end also while nothing waits; that keeps the channel from being collected, but not the process alive.
   */
  get closed(): Promise<void> {
    this.#closed ??= this.#watch();
    return this.#closed.promise;
  }

  /**
   * Closes at once. BusyError while a `get()` or `put()` waits or a message is unsent, ClosedError the second time, and
   * MovedError after it was handed on.
   */
  close(): void {
    // It is closed already, but not by whoever calls this: often a `finally`, which must not hide the reason.
    if (this.#brokenBy !== undefined && !this.#wasClosed) {
      this.#wasClosed = true;
      return;
    }
    this.#assertIdle('closed');
    this.#end();
  }

  /** Always closes; what waits rejects ClosedError. */
  [Symbol.dispose](): void {
    if (this.descriptor.isClosed) return;
    this.sender?.flushNow();
    this.sender?.failAsClosed();
    this.receiver?.failAsClosed();
    this.#end();
  }

  /** Whether what waits keeps the process alive; it does unless {@link unref} was called. */
  ref(): this {
    this.descriptor.holdLoop(this.#directions, true);
    return this;
  }

  /** What waits no longer keeps the process alive. */
  unref(): this {
    this.descriptor.holdLoop(this.#directions, false);
    return this;
  }

  /** @internal */
  [HANDLE](): Move {
    return {
      kind: this.kind,
      check: () => {
        this.#assertMovable();
      },
      pack: () => this.#pack(),
      leave: (destination) => {
        this.#forget();
        this.receiver?.forgetReadAhead();
        this.descriptor.release(destination);
        this.#closed?.resolve();
      },
    };
  }

  /** Not what it is, but enough to know it by: a handle has no form in JSON. */
  toJSON(): string {
    return HANDLE_IN_JSON + this.descriptor.toString();
  }

  /** The kind's name on the way to another process. @internal */
  protected abstract readonly kind: string;

  /** Why calls are refused, once it is closed or went elsewhere. @internal */
  closedError(): ClosedError {
    const cause = this.#brokenBy;
    if (cause === undefined) return this.descriptor.closedError();
    return new ClosedError(`${this.descriptor.toString()} is closed: ${cause.message}`, { cause });
  }

  /** As messages name it. @internal */
  get name(): string {
    return this.descriptor.toString();
  }

  /** What messages come out of, if any do. @internal */
  get incoming(): Receiver | undefined {
    return this.receiver;
  }

  /** As the receiver's; throws what `get()` would reject with. @internal */
  getNow(): unknown {
    this.assertHere();
    return this.receiver?.getNow();
  }

  /** @internal */
  putNow(value: unknown): boolean {
    return this.sender?.putNow(value) ?? false;
  }

  /** @internal */
  putSoon(value: unknown): boolean {
    return this.sender?.putSoon(value) ?? false;
  }

  /** As the sender's {@link Sender.watch}; it is for one, and `closed` is another. @internal */
  watchSends(onOver: (error: Error) => void): void {
    this.sender?.watch(onOver);
  }

  /** @internal */
  protected assertHere(): void {
    if (this.descriptor.isClosed) throw this.closedError();
  }

  #assertIdle(what: string): void {
    this.assertHere();
    this.sender?.flushNow();
    if (!this.sender?.isBusy && !this.receiver?.isBusy) return;
    throw new BusyError(`${this.descriptor.toString()} can't be ${what}: a get or put waits, or a message is unsent`);
  }

  #watch(): Pending<void> {
    const closed = new Pending<void>();
    closed.promise.catch(() => undefined);
    if (this.#brokenBy !== undefined) closed.reject(this.#brokenBy);
    else if (this.descriptor.isClosed) closed.resolve();
    else {
      const onOver = (error: Error) => {
        closed.reject(error);
      };
      this.sender?.watch(onOver);
      this.receiver?.watch((error) => {
        if (!(error instanceof EndOfStreamError && this.#canStillSend)) onOver(error);
      });
      if (this.receiver === undefined) {
        watchPeer(this.descriptor, () => this.sender?.peerGone());
      }
    }
    return closed;
  }

  /** A peer may have ended what it sends, and go on to receive: a program in another language, say. */
  get #canStillSend(): boolean {
    return this.sender !== undefined && this.descriptor.isLocal && !this.descriptor.isPeerGone;
  }

  #assertMovable(): void {
    this.#assertIdle('moved');
    if (this.receiver?.holdsMessage) {
      throw new BusyError(
        `${this.descriptor.toString()} can't be moved: its schema has a message in work, or one that nobody got`,
      );
    }
    const { encoder, decoder } = this.#settings;
    if (typeof encoder !== 'function' && typeof decoder !== 'function') return;
    throw new TypeError(
      `${this.descriptor.toString()} can't be moved, for a function of it would have to move too: ` +
        'registerCodec() it on both sides, and give the name that it has there',
    );
  }

  #pack(): Packed {
    const { bytes, fds } = this.receiver?.readAhead ?? { bytes: undefined, fds: [] };
    const ahead = bytes && { ahead: { bytes, tables: this.receiver?.decoder.exportState() } };
    return {
      fds: [this.descriptor.owned, ...fds],
      data: { settings: this.#settings, ...ahead } satisfies Luggage,
    };
  }

  /** What came can't be understood any more, and nor can what follows: the peer shall hear of it. */
  #break(error: Error): void {
    if (this.descriptor.isClosed) return;
    this.#brokenBy = error;
    this.sender?.flushNow();
    this.sender?.failAsClosed(error);
    this.#end();
  }

  #end(): void {
    this.#forget();
    this.receiver?.arrivedFds.closeAll();
    this.descriptor.closeSide(READABLE | WRITABLE);
    this.#closed?.resolve();
  }

  #forget(): void {
    forget(this);
    leftover.unregister(this);
  }
}

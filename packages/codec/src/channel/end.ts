import { BusyError, ClosedError } from '@aiopipe/core';
import {
  closeSideWhenDropped,
  Descriptor,
  forget,
  handled,
  HANDLE,
  HANDLE_IN_JSON,
  inspectFd,
  Pending,
  READABLE,
  WRITABLE,
  type OwnedFd,
  type Move,
  type Packed,
  type Transport,
} from '@aiopipe/core/internal';
import { resolveDecoder, resolveEncoder } from './codec-option.js';
import { type MovedChannel } from './moved-channel.js';
import { publishClose, publishOpen, type ChannelStats } from './events.js';
import { type ChannelSettings } from './options.js';
import { EndOfStreamError } from '../errors.js';
import { type IncomingFds } from '../moving/incoming-fds.js';
import { watchPeer } from './peer-watch.js';
import { Receiver } from './receiver.js';
import { Sender } from './sender.js';

/** Closes the descriptors that came for messages that were not taken, if an end is dropped without close(). */
const leftover = new FinalizationRegistry<IncomingFds>((fds) => {
  fds.closeAll();
});

/** Describes a descriptor. Throws if no channel can be made of it: on a terminal, what is written comes back, and is no message. */
export function inspectForChannel(owned: OwnedFd, directions: number): Transport {
  return inspectFd(owned.number, directions, 'channel', ['socket']);
}

/**
 * The members that ChannelReader, ChannelWriter and Channel share.
 *
 * @example
 * ```ts
 * import { channel, EndOfStreamError } from '@aiopipe/codec';
 *
 * const [here, there] = channel({ duplex: true });
 * there.close();
 * await here.closed.catch((error) => console.log(error instanceof EndOfStreamError));
 * here.close();
 * console.log(here.isClosed, here.stats.messagesSent);
 * ```
 * ```text
 * true
 * true 0
 * ```
 */
export abstract class ChannelEnd implements Disposable {
  /** @internal */
  protected readonly descriptor: Descriptor;
  /** @internal */
  protected readonly sender: Sender | undefined;
  /** @internal */
  protected readonly receiver: Receiver | undefined;
  readonly #settings: ChannelSettings;
  readonly #directions: number;
  #closed: Pending<void> | undefined;
  /** The error that closed it, if the program did not. */
  #brokenBy: Error | undefined;
  #wasClosed = false;
  readonly #isObserved: boolean;

  /** The receiver of handles, in later errors about them. */
  #peer: string | undefined;

  /** @internal `channel()` and `from()` make ends. */
  constructor(
    owned: OwnedFd,
    directions: number,
    settings: ChannelSettings,
    moved?: MovedChannel,
    aheadFds: readonly number[] = [],
  ) {
    this.#settings = settings;
    this.#directions = directions;
    const transport = inspectForChannel(owned, directions);
    this.descriptor = new Descriptor(owned, transport, directions);
    if (directions & WRITABLE) {
      const destination = () => this.#peer ?? `the peer of the ${this.descriptor.toString()}`;
      const canPass = transport.isSocket && transport.isLocal;
      this.sender = new Sender(this.descriptor, resolveEncoder(settings.encoder), settings, canPass, destination);
    }
    if (directions & READABLE) {
      const decoder = resolveDecoder(settings.decoder, settings.limits, moved?.ahead?.tables);
      this.receiver = new Receiver(this.descriptor, decoder, settings, (error) => {
        this.#break(error);
      });
      leftover.register(this, this.receiver.messages.fds, this);
      if (settings.spin > 0) this.descriptor.spin(settings.spin);
      if (moved?.ahead !== undefined) {
        const { bytes, wereLost } = moved.ahead;
        this.receiver.messages.giveReadAhead(bytes, aheadFds, wereLost === true);
      }
    }
    closeSideWhenDropped(this, this.descriptor, directions);
    this.#isObserved = publishOpen(this);
  }

  /** Whether the handle is closed or has moved. */
  get isClosed(): boolean {
    return this.descriptor.isClosed;
  }

  /** Counts of its messages and bytes. */
  get stats(): ChannelStats {
    const { sender } = this;
    const messages = this.receiver?.messages;
    return {
      messagesSent: sender?.messages ?? 0,
      bytesSent: sender?.bytes ?? 0,
      bytesWaiting: sender?.unflushed ?? 0,
      messagesReceived: messages?.count ?? 0,
      bytesReceived: messages?.bytes ?? 0,
      getsWaiting: this.receiver?.waiting ?? 0,
    };
  }

  /**
   * Settles when this handle has ended. Resolves if you ended it: by `close()`, disposal or a move. Rejects if it ended
   * otherwise, with the error that `get()` and `put()` reject with from then on: EndOfStreamError or BrokenPipeError if the
   * peer has closed, IncompleteReadError if it closed inside a message, DecodeError if a message broke the channel.
   *
   * Messages come before the end. While a message waits that no `get()` has taken, `closed` does not tell of a closed peer,
   * unless a `put()` fails.
   *
   * The promise is marked as handled, as `closed` of web streams is. After the first use of `closed`, the channel watches
   * its peer also while no call waits. It is not collected then, but it does not keep the process alive.
   */
  get closed(): Promise<void> {
    this.#closed ??= this.#watch();
    return this.#closed.promise;
  }

  /**
   * Closes the handle at once.
   *
   * @throws BusyError if a `get()` or `put()` waits, or a message is not sent yet
   * @throws ClosedError if it is closed, and MovedError if it has moved. If it ended by an error, the first call returns.
   */
  close(): void {
    // The call is often in a `finally`, and must not hide the error that closed the channel.
    if (this.#brokenBy !== undefined && !this.#wasClosed) {
      this.#wasClosed = true;
      return;
    }
    this.#assertIdle('closed');
    this.#end();
  }

  /** Closes the handle in any state. Calls that wait reject with ClosedError. */
  [Symbol.dispose](): void {
    if (this.descriptor.isClosed) return;
    this.sender?.flushNow();
    this.sender?.failAsClosed();
    this.receiver?.failAsClosed();
    this.#end();
  }

  /** Lets calls that wait keep the process alive, which is the default. */
  ref(): this {
    this.descriptor.holdLoop(this.#directions, true);
    return this;
  }

  /** Calls that wait no longer keep the process alive. */
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
        this.receiver?.messages.forgetReadAhead();
        this.descriptor.release(destination);
        this.#closed?.resolve();
      },
    };
  }

  /** Returns a string that names the handle: a handle has no form in JSON. */
  toJSON(): string {
    return HANDLE_IN_JSON + this.descriptor.toString();
  }

  /** The name of the kind in messages. @internal */
  protected abstract readonly kind: string;

  /** The error of calls on a handle that is closed or has moved. @internal */
  closedError(): ClosedError {
    const cause = this.#brokenBy;
    if (cause === undefined) return this.descriptor.closedError();
    const { name } = this;
    // Most of these errors already name the channel.
    const reason = cause.message.startsWith(`${name}: `) ? cause.message.slice(name.length + 2) : cause.message;
    return new ClosedError(`${name} is closed: ${reason}`, { cause });
  }

  /** The handle's name in errors. @internal */
  get name(): string {
    return this.descriptor.toString();
  }

  /** The receiving half, if there is one. @internal */
  get incoming(): Receiver | undefined {
    return this.receiver;
  }

  /** @internal */
  get settings(): ChannelSettings {
    return this.#settings;
  }

  /** Closes the channel in any state, because the peer broke a rule. Calls that wait reject with `error`. @internal */
  break(error: Error): void {
    this.#closed?.reject(error);
    this.#break(error);
  }

  /** See {@link Receiver.getNow}. Throws what `get()` would reject with. @internal */
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

  /** See {@link namePeer}. @internal */
  namePeer(peer: string): void {
    this.#peer = peer;
  }

  /** See {@link Sender.watch}. @internal */
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
    const use = this.receiver?.follower === undefined ? 'get() or put()' : 'call or a generator';
    throw new BusyError(
      `${this.descriptor.toString()} cannot be ${what}: a ${use} waits, or a message is not sent yet; await it, or dispose of the channel, which always closes`,
    );
  }

  #watch(): Pending<void> {
    const closed = new Pending<void>();
    void handled(closed.promise);
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

  /** A peer may end what it sends and still receive: a program in another language does. */
  get #canStillSend(): boolean {
    return this.sender !== undefined && this.descriptor.isLocal && !this.descriptor.isPeerGone;
  }

  #assertMovable(): void {
    this.#assertIdle('moved');
    const { follower } = this.receiver ?? {};
    if (follower !== undefined) throw new BusyError(`${this.name} cannot be moved: ${follower.name} use it`);
    if (this.receiver?.messages.isHeld) {
      throw new BusyError(
        `${this.descriptor.toString()} cannot be moved: its schema still checks a message, or a message was not taken with get()`,
      );
    }
    const { encoder, decoder } = this.#settings;
    if (typeof encoder !== 'function' && typeof decoder !== 'function') return;
    throw new TypeError(
      `${this.descriptor.toString()} cannot be moved, because its encoder or decoder is a function: ` +
        'register the codec on both sides with registerCodec(), and give its name',
    );
  }

  #pack(): Packed {
    const settings = this.#settings;
    if (this.receiver === undefined) return { fds: [this.descriptor.owned], data: { settings } satisfies MovedChannel };
    const { readAhead, decoder } = this.receiver.messages;
    const { bytes, fds, wereLost } = readAhead;
    const ahead = { bytes, tables: decoder.exportState(), ...(wereLost && { wereLost }) };
    return { fds: [this.descriptor.owned, ...fds], data: { settings, ahead } satisfies MovedChannel };
  }

  /** Closes the channel after bytes that cannot be understood, so that the peer hears of it. */
  #break(error: Error): void {
    if (this.descriptor.isClosed) return;
    this.#brokenBy = error;
    this.sender?.flushNow();
    this.sender?.failAsClosed(error);
    this.#end();
  }

  #end(): void {
    this.#forget();
    this.receiver?.endFollower();
    this.receiver?.messages.fds.closeAll();
    this.descriptor.closeSide(READABLE | WRITABLE);
    this.#closed?.resolve();
  }

  #forget(): void {
    if (this.#isObserved) publishClose(this);
    forget(this);
    leftover.unregister(this);
  }
}

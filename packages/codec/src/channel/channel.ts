import { DuplexEnd, ReadEnd, WriteEnd, type WaitOptions } from '@aiopipe/core';
import {
  checkOptions,
  HANDLE,
  handled,
  isHandle,
  move,
  OwnedFd,
  READABLE,
  registerHandleKind,
  runInContext,
  show,
  WRITABLE,
} from '@aiopipe/core/internal';
import { ChannelEnd, inspectForChannel } from './end.js';
import { checkMoved, type MovedChannel } from './moved-channel.js';
import { CHANNEL_OPTIONS, readOptions, type ChannelOptions, type ChannelSettings } from './options.js';
import { MessageIterator } from './message-iterator.js';
import { EndOfStreamError } from '../errors.js';
import { type MessageInContext, type Receiver } from './receiver.js';
import { type Sender } from './sender.js';
import { checkBy, type SchemaOutput, type StandardSchema } from './validation.js';

/** The size that is asked of the kernel for each direction, in bytes. The kernel may give less. */
export const BUFFER_SIZE = 1024 * 1024;

/**
 * The end of a channel that receives messages.
 *
 * @example
 * ```ts
 * import { channel, type ChannelReader, type ChannelWriter } from '@aiopipe/codec';
 * import { isChild, startProcess, target } from '@aiopipe/process';
 *
 * type Ends = [words: ChannelReader<string>, loud: ChannelWriter<string>];
 * export const shout = target(import.meta.url, 'shout', async (...[words, loud]: Ends) => {
 *   for await (const word of words) await loud.put(word.toUpperCase());
 * });
 *
 * if (!isChild()) {
 *   const [words, toChild] = channel<string>();
 *   const [fromChild, loud] = channel<string>();
 *   startProcess(shout, { args: [words, loud] });
 *   await toChild.put('hello');
 *   toChild.close();
 *   for await (const word of fromChild) console.log(word);
 *   fromChild.close();
 * }
 * ```
 * ```text
 * HELLO
 * ```
 */
export class ChannelReader<Receive = unknown> extends ChannelEnd {
  /** @internal */
  protected override readonly kind = 'ChannelReader';
  /** @internal */
  declare protected readonly receiver: Receiver;

  private constructor(owned: OwnedFd, settings: ChannelSettings, moved?: MovedChannel, aheadFds?: readonly number[]) {
    super(owned, READABLE, settings, moved, aheadFds);
  }

  /** @internal */
  static make<Receive = unknown>(
    owned: OwnedFd,
    settings: ChannelSettings,
    moved?: MovedChannel,
    aheadFds?: readonly number[],
  ): ChannelReader<Receive> {
    return new ChannelReader(owned, settings, moved, aheadFds);
  }

  /** Makes a channel over a read end, which moves into it. */
  static from<Receive = unknown>(end: ReadEnd | DuplexEnd, options?: ChannelOptions): ChannelReader<Receive> {
    return takeOver('ChannelReader.from', end, [ReadEnd, DuplexEnd], READABLE, options, ChannelReader.make<Receive>);
  }

  /**
   * Resolves with the next message. Many calls may wait at once: each message goes to one of them, in the order of the calls.
   * A timeout or an abort takes no message.
   *
   * Rejects with EndOfStreamError if the peer has closed and all messages were taken, IncompleteReadError if it closed
   * inside a message, DecodeError if the message cannot be built.
   */
  get(options?: WaitOptions): Promise<Receive> {
    return get(this, this.receiver, options) as Promise<Receive>;
  }

  /**
   * Checks each message from now on: `get()` resolves with what `schema` makes of the message. If a message is not valid, its
   * `get()` rejects with InvalidMessageError, whose `issues` say why. The channel goes on. A schema may be asynchronous:
   * messages keep their order, and a `get()` that times out meanwhile leaves the message to the next one.
   *
   * Returns this handle, with the type that the schema makes. A later schema replaces this one. The schema does not move
   * with the handle.
   */
  validate<Schema extends StandardSchema>(schema: Schema): ChannelReader<SchemaOutput<Schema>> {
    this.assertHere();
    this.receiver.check = checkBy(schema, () => this.descriptor.toString());
    return this as ChannelReader<unknown> as ChannelReader<SchemaOutput<Schema>>;
  }

  /** Returns a message that is there already, or undefined. Throws what `get()` would reject with. */
  tryGet(): { value: Receive } | undefined {
    this.assertHere();
    return this.receiver.tryGet() as { value: Receive } | undefined;
  }

  /**
   * Calls a function with each message, and awaits what it returns before it takes the next one. On a channel with `context:
   * true`, each call runs within the context of the message's `put()`. Resolves when the peer has closed and all messages were
   * taken. Rejects with what the function throws, and then takes no further message; and as {@link get} does.
   */
  forEach(handle: (message: Receive) => unknown, options?: WaitOptions): Promise<void> {
    return forEach(this, this.receiver, handle as (message: unknown) => unknown, options);
  }

  /** Iterates over the messages until the peer closes. Leaving the loop early leaves the channel open. */
  [Symbol.asyncIterator](): AsyncGenerator<Receive, void, undefined> {
    return new MessageIterator<Receive>(this);
  }
}

/**
 * The end of a channel that sends messages.
 *
 * @example
 * ```ts
 * import { channel } from '@aiopipe/codec';
 *
 * using pair = channel<Date>();
 * const [reader, writer] = pair;
 * void writer.put(new Date(0)); // queued
 * await writer.put(new Date(1)); // awaited, for backpressure
 * for (const { value } of [reader.tryGet(), reader.tryGet()].filter((got) => got !== undefined))
 *   console.log(value.toISOString());
 * ```
 * ```text
 * 1970-01-01T00:00:00.000Z
 * 1970-01-01T00:00:00.001Z
 * ```
 */
export class ChannelWriter<Send = unknown> extends ChannelEnd {
  /** @internal */
  protected override readonly kind = 'ChannelWriter';
  /** @internal */
  declare protected readonly sender: Sender;

  private constructor(owned: OwnedFd, settings: ChannelSettings, moved?: MovedChannel) {
    super(owned, WRITABLE, settings, moved);
  }

  /** @internal */
  static make<Send = unknown>(owned: OwnedFd, settings: ChannelSettings, moved?: MovedChannel): ChannelWriter<Send> {
    return new ChannelWriter(owned, settings, moved);
  }

  /** Makes a channel over a write end, which moves into it. */
  static from<Send = unknown>(end: WriteEnd | DuplexEnd, options?: ChannelOptions): ChannelWriter<Send> {
    return takeOver('ChannelWriter.from', end, [WriteEnd, DuplexEnd], WRITABLE, options, ChannelWriter.make<Send>);
  }

  /**
   * Sends a message. It is encoded now, so later changes to `value` do not count, and its handles have moved when this
   * returns. Resolves when the kernel has all of the message: await it for backpressure. An abort or a timeout ends the wait;
   * the message is sent all the same.
   *
   * Rejects with EncodeError, which names the path, if the value cannot be sent; BrokenPipeError if the peer has closed;
   * QueueFullError if calls that were not awaited have queued too much. The promise is marked as handled.
   */
  put(value: Send, options?: WaitOptions): Promise<void> {
    return put(this, this.sender, value, options);
  }

  /** Resolves when the kernel has all that was put. */
  drain(options?: WaitOptions): Promise<void> {
    return drain(this, this.sender, options);
  }
}

/**
 * An end of a duplex channel. Each end receives what the other end sends.
 *
 * @example
 * ```ts
 * import { channel } from '@aiopipe/codec';
 *
 * using pair = channel<string, number>({ duplex: true });
 * const [here, there] = pair;
 * await here.put('hello');
 * await there.put((await there.get()).length);
 * console.log(await here.get());
 * ```
 * ```text
 * 5
 * ```
 */
export class Channel<Send = unknown, Receive = Send> extends ChannelEnd {
  /** @internal */
  protected override readonly kind = 'Channel';
  /** @internal */
  declare protected readonly sender: Sender;
  /** @internal */
  declare protected readonly receiver: Receiver;

  private constructor(owned: OwnedFd, settings: ChannelSettings, moved?: MovedChannel, aheadFds?: readonly number[]) {
    super(owned, READABLE | WRITABLE, settings, moved, aheadFds);
  }

  /** @internal */
  static make<Send = unknown, Receive = Send>(
    owned: OwnedFd,
    settings: ChannelSettings,
    moved?: MovedChannel,
    aheadFds?: readonly number[],
  ): Channel<Send, Receive> {
    return new Channel(owned, settings, moved, aheadFds);
  }

  /** Makes a channel over a duplex end, which moves into it. */
  static from<Send = unknown, Receive = Send>(end: DuplexEnd, options?: ChannelOptions): Channel<Send, Receive> {
    return takeOver('Channel.from', end, [DuplexEnd], READABLE | WRITABLE, options, Channel.make<Send, Receive>);
  }

  /** See {@link ChannelReader.get}. */
  get(options?: WaitOptions): Promise<Receive> {
    return get(this, this.receiver, options) as Promise<Receive>;
  }

  /** See {@link ChannelReader.validate}. It checks the messages that this end receives. */
  validate<Schema extends StandardSchema>(schema: Schema): Channel<Send, SchemaOutput<Schema>> {
    this.assertHere();
    this.receiver.check = checkBy(schema, () => this.descriptor.toString());
    return this as Channel<Send, unknown> as Channel<Send, SchemaOutput<Schema>>;
  }

  /** See {@link ChannelReader.tryGet}. */
  tryGet(): { value: Receive } | undefined {
    this.assertHere();
    return this.receiver.tryGet() as { value: Receive } | undefined;
  }

  /** See {@link ChannelWriter.put}. */
  put(value: Send, options?: WaitOptions): Promise<void> {
    const refusal = this.receiver.followedError;
    return refusal === undefined ? put(this, this.sender, value, options) : handled(Promise.reject(refusal));
  }

  /** See {@link ChannelWriter.drain}. */
  drain(options?: WaitOptions): Promise<void> {
    return drain(this, this.sender, options);
  }

  /** See {@link ChannelReader.forEach}. */
  forEach(handle: (message: Receive) => unknown, options?: WaitOptions): Promise<void> {
    return forEach(this, this.receiver, handle as (message: unknown) => unknown, options);
  }

  /** Iterates over the messages until the peer closes. Leaving the loop early leaves the channel open. */
  [Symbol.asyncIterator](): AsyncGenerator<Receive, void, undefined> {
    return new MessageIterator<Receive>(this);
  }
}

/** Makes what owns these descriptors from then on. If that fails, they are closed: they have no other owner. */
export function orClosed<T>(owned: readonly OwnedFd[], make: () => T): T {
  try {
    return make();
  } catch (error) {
    for (const fd of owned) fd.discard();
    throw error;
  }
}

/** @param call - the public call, as messages name it */
function takeOver<End extends ChannelEnd>(
  call: string,
  end: ReadEnd | WriteEnd | DuplexEnd,
  kinds: readonly { readonly name: string }[],
  directions: number,
  options: ChannelOptions | undefined,
  make: (owned: OwnedFd, settings: ChannelSettings) => End,
): End {
  // By the brand, not the class: the end may come from another copy of @aiopipe/core.
  const names = kinds.map(({ name }) => name);
  if (!isHandle(end) || !names.includes(end[HANDLE]().kind)) {
    const makers = 'aioduplex(), aiopipe() and fromFd() make them';
    throw new TypeError(`${call}: expected a ${names.join(' or a ')}, not ${show(end)}; ${makers}`);
  }
  checkOptions(options, CHANNEL_OPTIONS);
  const settings = readOptions(options);
  const moving = end[HANDLE]();
  moving.check();
  // Before the move: the caller still has an end of the wrong kind.
  inspectForChannel(moving.pack().fds[0] as OwnedFd, directions);
  const { fds } = move(end, 'a channel over it');
  return orClosed(fds, () => make(fds[0] as OwnedFd, settings));
}

function get(end: ChannelEnd, receiver: Receiver, options: WaitOptions | undefined): Promise<unknown> {
  return end.isClosed ? Promise.reject(end.closedError()) : receiver.get(options);
}

async function forEach(
  end: ChannelEnd,
  receiver: Receiver,
  handle: (message: unknown) => unknown,
  options: WaitOptions | undefined,
): Promise<void> {
  if (typeof handle !== 'function') throw new TypeError(`forEach: expected a function, not ${show(handle)}`);
  for (;;) {
    if (end.isClosed) throw end.closedError();
    let next: MessageInContext;
    try {
      next = await receiver.getInContext(options);
    } catch (error) {
      if (error instanceof EndOfStreamError) return;
      throw error;
    }
    await runInContext(next.context, () => handle(next.value));
  }
}

function put(end: ChannelEnd, sender: Sender, value: unknown, options: WaitOptions | undefined): Promise<void> {
  return end.isClosed ? refused(end) : sender.put(value, options);
}

function drain(end: ChannelEnd, sender: Sender, options: WaitOptions | undefined): Promise<void> {
  return end.isClosed ? refused(end) : sender.drain(options);
}

function refused(end: ChannelEnd): Promise<never> {
  return handled(Promise.reject<never>(end.closedError()));
}

/**
 * `put()` for the layers above: throws, and writes at once what the pipe takes. Returns whether that was all. @internal
 */
export function putNow<Send, Receive>(end: ChannelWriter<Send> | Channel<Send, Receive>, value: Send): boolean {
  if (end.isClosed) throw end.closedError();
  return end.putNow(value);
}

/**
 * `put()` for the layers above: throws, and writes the message with the others of this turn. Returns false if the pipe is
 * full. @internal
 */
export function putSoon<Send, Receive>(end: ChannelWriter<Send> | Channel<Send, Receive>, value: Send): boolean {
  if (end.isClosed) throw end.closedError();
  return end.putSoon(value);
}

/**
 * Names the receiver of handles in later errors about them. The line that made the channel is in a layer above, and helps no user.
 *
 * @internal
 */
export function namePeer(end: ChannelEnd, peer: string): void {
  end.namePeer(peer);
}

/**
 * Calls back once, with the error, if nothing can be sent any more, also while no call waits. It may do so within a put.
 * @internal
 */
export function watchSends<Send, Receive>(
  end: ChannelWriter<Send> | Channel<Send, Receive>,
  onOver: (error: Error) => void,
): void {
  end.watchSends(onOver);
}

const makers = {
  ChannelReader: (owned: OwnedFd, moved: MovedChannel, ahead: readonly number[]) =>
    ChannelReader.make(owned, moved.settings, moved, ahead),
  ChannelWriter: (owned: OwnedFd, moved: MovedChannel) => ChannelWriter.make(owned, moved.settings, moved),
  Channel: (owned: OwnedFd, moved: MovedChannel, ahead: readonly number[]) =>
    Channel.make(owned, moved.settings, moved, ahead),
};

for (const [kind, make] of Object.entries(makers)) {
  registerHandleKind(kind, ([fd = -1, ...ahead], data) => {
    const moved = checkMoved(data as MovedChannel, kind === 'ChannelWriter', ahead.length);
    const name = kind === 'Channel' ? 'channel end' : kind === 'ChannelReader' ? 'channel reader' : 'channel writer';
    const owned = new OwnedFd(fd, name);
    try {
      return make(owned, moved, ahead);
    } catch (error) {
      // The caller still owns the descriptor: if this thread ends now, it is closed.
      owned.handOver();
      throw error;
    }
  });
}

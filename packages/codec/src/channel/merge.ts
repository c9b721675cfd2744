import { BusyError } from '@aiopipe/core';
import {
  handled,
  LOOP_END,
  LoopIterator,
  optionNames,
  Pending,
  refuse,
  setImmediate,
  show,
} from '@aiopipe/core/internal';
import { type Channel, type ChannelReader } from './channel.js';
import { type Receiver, type Waiting } from './receiver.js';
import { Turn } from './turn.js';

/**
 * A channel that receives messages.
 *
 * @see the example of {@link merge}
 */
export type Receiving = ChannelReader | Channel<never, unknown>;

/**
 * The messages of such a channel.
 *
 * @see the example of {@link merge}
 */
export type Received<Kind extends Receiving> = Awaited<ReturnType<Kind['get']>>;

/**
 * Options of {@link merge}.
 *
 * @example
 * ```ts
 * import { channel, merge } from '@aiopipe/codec';
 *
 * using one = channel<number>();
 * using other = channel<number>();
 * await other[1].put(2);
 * const stop = new AbortController();
 * for await (const number of merge([one[0], other[0]], { signal: stop.signal })) {
 *   console.log(number);
 *   break;
 * }
 * ```
 * ```text
 * 2
 * ```
 */
export interface MergeOptions {
  /** Ends the iteration: it rejects with an AbortError, whose `cause` is the signal's reason. No message comes after that. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Iterates over the messages of many channels, one of each in turn, until all of their peers have closed. It takes a message
 * only if it is asked for one. So you lose no message if you leave the loop early: the channels are then open and not busy.
 *
 * An error of one channel ends the iteration, and names the channel. The others can be merged again.
 *
 * @example
 * ```ts
 * import { channel, merge } from '@aiopipe/codec';
 *
 * const [errors, toErrors] = channel<string>();
 * const [logs, toLogs] = channel<string>();
 * await toErrors.put('disk full');
 * await toLogs.put('started');
 * toErrors.close();
 * toLogs.close();
 * for await (const line of merge([errors, logs])) console.log(line);
 * errors.close();
 * logs.close();
 * ```
 * ```text
 * disk full
 * started
 * ```
 */
export function merge<Kind extends Receiving>(
  channels: Iterable<Kind>,
  options: MergeOptions = {},
): AsyncIterableIterator<Received<Kind>> {
  const refusal = refuse(options, MERGE_OPTIONS);
  if (refusal instanceof TypeError) throw refusal;
  // A Set takes null and undefined for an empty list, and a string for its letters.
  const isList = typeof (channels as Partial<typeof channels> | null | undefined)?.[Symbol.iterator] === 'function';
  if (!isList || typeof channels === 'string') {
    throw new TypeError(`merge: expected an array of channel readers or duplex channels, not ${show(channels)}`);
  }
  return new Merge<Received<Kind>>([...new Set(channels)], options.signal);
}

const MERGE_OPTIONS = optionNames<MergeOptions>({ signal: true });

/** One of the channels. It waits for its merge. */
class Source implements Waiting {
  /** It had no message: it is asked again after so many messages of all sources. */
  askAt = 0;
  readonly #onMessage: (source: Source, message: unknown) => void;
  readonly #onError: (source: Source, error: unknown) => void;

  constructor(
    readonly channel: Receiving,
    readonly receiver: Receiver,
    onMessage: (source: Source, message: unknown) => void,
    onError: (source: Source, error: unknown) => void,
  ) {
    this.#onMessage = onMessage;
    this.#onError = onError;
  }

  resolve(message: unknown): void {
    this.#onMessage(this, message);
  }

  reject(error: unknown): void {
    this.#onError(this, error);
  }
}

class Merge<Message> extends LoopIterator<Message> {
  readonly #sources: Source[];
  readonly #signal: AbortSignal | undefined;
  /** The index of the source whose turn is next. */
  #turn = 0;
  #taken = 0;
  readonly #share = new Turn();
  #pending: Pending<IteratorResult<Message, undefined>> | undefined;
  #isDone = false;

  constructor(channels: readonly Receiving[], signal: AbortSignal | undefined) {
    super();
    this.#signal = signal;
    this.#sources = channels.map((channel, index) => {
      // By what it can, not by its class: it may be of another copy of this package.
      const receiver = (channel as Partial<Receiving> | null | undefined)?.incoming;
      if (typeof receiver?.enter !== 'function' || typeof receiver.leave !== 'function') {
        const which = `merge: channels[${String(index)}]`;
        throw new TypeError(`${which}: expected a ChannelReader or a duplex Channel, not ${show(channel)}`);
      }
      return new Source(channel, receiver, this.#onMessage, this.#onError);
    });
  }

  readonly #what = (): string => {
    const names = this.#sources.slice(0, 3).map(({ channel }) => channel.name);
    if (this.#sources.length > 3) names.push(`${String(this.#sources.length - 3)} more`);
    return `merge of ${names.join(', ')}: no message came`;
  };

  override next(): Promise<IteratorResult<Message, undefined>> {
    if (this.#isDone) return Promise.resolve(LOOP_END);
    if (this.#pending !== undefined)
      return handled(Promise.reject(new BusyError('merge: another next() is still waiting; await it first')));
    try {
      const refusal = refuse({ signal: this.#signal }, undefined, this.#what);
      if (refusal !== undefined) throw refusal;
      const message = this.#share.isOver ? undefined : this.#take();
      if (message !== undefined) return Promise.resolve({ done: false, value: message.value as Message });
    } catch (error) {
      this.#isDone = true;
      return handled(Promise.reject(error as Error));
    }
    return this.#sources.length === 0 ? this.return() : this.#wait();
  }

  /** Leaves the channels. A `next()` that waits resolves with the end. */
  override return(): Promise<IteratorResult<Message, undefined>> {
    this.#isDone = true;
    this.#leave()?.resolve(LOOP_END);
    return Promise.resolve(LOOP_END);
  }

  /** Returns a message of the next source in turn that has one. */
  #take(): { value: unknown } | undefined {
    for (let asked = 0; asked < this.#sources.length;) {
      this.#turn %= this.#sources.length;
      const source = this.#sources[this.#turn] as Source;
      // A call in vain costs a system call, so it is made once for as many messages as there are sources.
      if (source.askAt <= this.#taken) {
        try {
          const message = source.channel.tryGet();
          if (message !== undefined) {
            this.#turn++;
            this.#taken++;
            this.#share.count();
            return message;
          }
        } catch (error) {
          if (!isEnd(error)) throw error;
          this.#sources.splice(this.#turn, 1);
          continue;
        }
        source.askAt = this.#taken + this.#sources.length;
      }
      this.#turn++;
      asked++;
    }
    return undefined;
  }

  /** Waits at all sources at once. The first message ends the wait, and is the only one taken. */
  #wait(): Promise<IteratorResult<Message, undefined>> {
    const pending = new Pending<IteratorResult<Message, undefined>>({ signal: this.#signal }, this.#what, () => {
      this.#isDone = true;
      this.#leave();
    });
    this.#pending = pending;
    if (this.#share.isOver) {
      setImmediate(() => {
        this.#share.begin();
        this.#enter(pending);
      });
    } else this.#enter(pending);
    return handled(pending.promise);
  }

  #enter(pending: object): void {
    for (const source of [...this.#sources]) {
      if (this.#pending !== pending) break;
      if (source.channel.isClosed) source.reject(source.channel.closedError());
      else source.receiver.enter(source);
    }
  }

  readonly #onMessage = (source: Source, message: unknown): void => {
    this.#turn = this.#sources.indexOf(source) + 1;
    this.#taken++;
    this.#leave()?.resolve({ done: false, value: message as Message });
  };

  readonly #onError = (source: Source, error: unknown): void => {
    if (isEnd(error)) {
      this.#sources.splice(this.#sources.indexOf(source), 1);
      if (this.#sources.length === 0) void this.return();
      return;
    }
    this.#isDone = true;
    this.#leave()?.reject(error);
  };

  /** Ends the wait at all sources. Returns the pending `next()`, for its outcome. */
  #leave(): Pending<IteratorResult<Message, undefined>> | undefined {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending !== undefined) for (const source of this.#sources) source.receiver.leave(source);
    return pending;
  }
}

function isEnd(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ERR_AIOPIPE_END_OF_STREAM';
}

import { BusyError } from '@aiopipe/core';
import { Pending, refuse } from '@aiopipe/core/internal';
import { type Channel, type ChannelReader } from './channel.js';
import { type Receiver, type Waiting } from './receiver.js';

/** What can be merged: whatever messages come out of. */
export type Receiving = ChannelReader | Channel<never, unknown>;

/** What comes out of one of them. */
export type Received<Source extends Receiving> = Awaited<ReturnType<Source['get']>>;

/** Options of {@link merge}. */
export interface MergeOptions {
  /** Ends the iteration: it rejects with an AbortError whose `cause` is the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The messages of many channels, as one iterator: a message of each in turn, as far as they have any, until all of their
 * peers have closed. It takes a message only when it is asked for one, so nothing is lost where the loop is left early:
 * the channels are then as if each had been read with `get()`, open and not busy.
 *
 * An error of one of them ends the iteration, and names it; the others are as they were, and can be merged again.
 *
 * ```ts
 * for await (const message of merge([reader, other])) …
 * ```
 */
export function merge<Source extends Receiving>(
  channels: Iterable<Source>,
  options: MergeOptions = {},
): AsyncIterableIterator<Received<Source>> {
  const refusal = refuse(options);
  if (refusal instanceof TypeError) throw refusal;
  return new Merge<Received<Source>>([...new Set(channels)].map(sourceOf), options.signal);
}

interface Source {
  readonly channel: Receiving;
  readonly receiver: Receiver;
  /** It had nothing: it is asked again when so many messages have been taken in all. */
  askAt: number;
}

function sourceOf(channel: Receiving): Source {
  // By what it can, not by its class: it may be of another copy of this package.
  const receiver = (channel as Partial<Receiving> | null | undefined)?.incoming;
  if (receiver === undefined) throw new TypeError('merge: expected channel readers or duplex channels');
  return { channel, receiver, askAt: 0 };
}

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

class Merge<Message> implements AsyncIterableIterator<Message> {
  readonly #sources: Source[];
  readonly #signal: AbortSignal | undefined;
  /** The index of the source whose turn is next. */
  #turn = 0;
  #taken = 0;
  #waiting: Wait<Message> | undefined;
  #isDone = false;

  constructor(sources: Source[], signal: AbortSignal | undefined) {
    this.#sources = sources;
    this.#signal = signal;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Message, undefined>> {
    if (this.#isDone) return Promise.resolve(END);
    if (this.#waiting !== undefined) return Promise.reject(new BusyError('merge: another next() is still waiting'));
    try {
      const refusal = refuse({ signal: this.#signal });
      if (refusal !== undefined) throw refusal;
      const message = this.#take();
      if (message !== undefined) return Promise.resolve({ done: false, value: message.value as Message });
    } catch (error) {
      this.#isDone = true;
      return Promise.reject(error as Error);
    }
    if (this.#sources.length === 0) return this.return();
    this.#waiting = new Wait(this.#sources, this.#signal, (end) => {
      this.#waiting = undefined;
      if (end === 'over') {
        this.#isDone = true;
        return;
      }
      this.#turn = end + 1;
      this.#taken++;
    });
    return this.#waiting.start();
  }

  /** Leaves the channels; a `next()` that waits ends. */
  return(): Promise<IteratorReturnResult<undefined>> {
    this.#isDone = true;
    this.#waiting?.end();
    return Promise.resolve(END);
  }

  /** A message that is there, of the first source in turn that has one. */
  #take(): { value: unknown } | undefined {
    for (let asked = 0; asked < this.#sources.length;) {
      this.#turn %= this.#sources.length;
      const source = this.#sources[this.#turn] as Source;
      // Asking in vain costs a system call: it is made up for by as many messages as there are sources.
      if (source.askAt <= this.#taken) {
        try {
          const message = source.channel.tryGet();
          if (message !== undefined) {
            this.#turn++;
            this.#taken++;
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
}

/** One `next()` that waits at all sources at once: the first message, which is the only one taken, ends it. */
class Wait<Message> {
  readonly #sources: Source[];
  readonly #pending: Pending<IteratorResult<Message, undefined>>;
  readonly #entered = new Map<Source, Waiting>();
  readonly #onEnd: (end: number | 'over') => void;
  #isOver = false;

  /** @param onEnd - called with the index of the source that a message came from, or 'over' where nothing more comes */
  constructor(sources: Source[], signal: AbortSignal | undefined, onEnd: (end: number | 'over') => void) {
    this.#sources = sources;
    this.#onEnd = onEnd;
    this.#pending = new Pending({ signal }, undefined, () => {
      this.#leave('over');
    });
  }

  start(): Promise<IteratorResult<Message, undefined>> {
    for (const source of [...this.#sources]) {
      if (this.#isOver) break;
      const waiting: Waiting = {
        resolve: (value) => {
          this.#leave(this.#sources.indexOf(source));
          this.#pending.resolve({ done: false, value: value as Message });
        },
        reject: (error) => {
          this.#entered.delete(source);
          this.#fail(source, error);
        },
      };
      this.#entered.set(source, waiting);
      if (source.channel.isClosed) waiting.reject(source.channel.closedError());
      else source.receiver.enter(waiting);
    }
    return this.#pending.promise;
  }

  end(): void {
    this.#leave('over');
    this.#pending.resolve(END);
  }

  #fail(source: Source, error: unknown): void {
    if (isEnd(error)) {
      this.#sources.splice(this.#sources.indexOf(source), 1);
      if (this.#sources.length === 0) this.end();
      return;
    }
    this.#leave('over');
    this.#pending.reject(error);
  }

  #leave(end: number | 'over'): void {
    this.#isOver = true;
    for (const [source, waiting] of this.#entered) source.receiver.leave(waiting);
    this.#entered.clear();
    this.#onEnd(end);
  }
}

function isEnd(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ERR_AIOPIPE_END_OF_STREAM';
}

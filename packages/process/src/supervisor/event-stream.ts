import { QueueFullError } from '@aiopipe/codec';
import { abortError, onAbort, optionNames, refuse } from '@aiopipe/core/internal';
import { Deferred } from '../wait/deferred.js';
import { type SupervisorEvent } from './events.js';

/** Events that are kept for a reader who doesn't take them. */
const MAX_UNREAD = 10_000;

interface EventsOptions {
  readonly signal?: AbortSignal | undefined;
}

const OPTIONS = optionNames<EventsOptions>({ signal: true });

const aborted = (): string => 'the events of a supervisor';

const ENDED = { value: undefined, done: true } as const;

/** Events for one reader, from when it is made until the supervisor has finished or the reader leaves. */
export class SupervisorEventStream implements AsyncIterableIterator<SupervisorEvent, undefined, undefined> {
  readonly #unread: SupervisorEvent[] = [];
  readonly #readers: Deferred<IteratorResult<SupervisorEvent, undefined>>[] = [];
  readonly #all: Set<SupervisorEventStream>;
  readonly #stopListening: (() => void) | undefined;
  #hasEnded = false;
  /** Told once, after what is unread. */
  #error: Error | undefined;

  /** @param all - those that get events: it is among them until it takes no more */
  constructor(all: Set<SupervisorEventStream>, options: EventsOptions) {
    const refusal = refuse(options, OPTIONS, aborted);
    if (refusal instanceof TypeError) throw refusal;
    const { signal } = options;
    this.#all = all;
    all.add(this);
    if (refusal !== undefined) this.#abort(refusal);
    this.#stopListening =
      signal &&
      onAbort(signal, () => {
        this.#abort(abortError(signal, aborted()));
      });
  }

  push(event: SupervisorEvent): void {
    const reader = this.#readers.shift();
    if (reader !== undefined) reader.resolve({ value: event, done: false });
    else if (this.#unread.length < MAX_UNREAD) this.#unread.push(event);
    else this.end(new QueueFullError(`${String(MAX_UNREAD)} events wait already: take them faster, or leave the loop`));
  }

  /** No more come; with an error, that is what the reader gets after the last one. */
  end(error?: Error): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#error = error;
    this.#stopListening?.();
    this.#all.delete(this);
    for (const reader of this.#readers.splice(0)) this.#settle(reader);
  }

  #abort(error: Error): void {
    this.#unread.length = 0;
    this.end(error);
  }

  #settle(reader: Deferred<IteratorResult<SupervisorEvent, undefined>>): void {
    const error = this.#error;
    this.#error = undefined;
    if (error === undefined) reader.resolve(ENDED);
    else reader.reject(error);
  }

  next(): Promise<IteratorResult<SupervisorEvent, undefined>> {
    const reader = new Deferred<IteratorResult<SupervisorEvent, undefined>>();
    const event = this.#unread.shift();
    if (event !== undefined) reader.resolve({ value: event, done: false });
    else if (this.#hasEnded) this.#settle(reader);
    else this.#readers.push(reader);
    return reader.promise;
  }

  /** Leaves: nothing more is kept for it. */
  return(): Promise<IteratorResult<SupervisorEvent, undefined>> {
    this.#unread.length = 0;
    this.#error = undefined;
    this.end();
    return Promise.resolve(ENDED);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

import { QueueFullError } from '@aiopipe/codec';
import {
  abortError,
  calledFrom,
  LOOP_END,
  LoopIterator,
  onAbort,
  optionNames,
  refuse,
  type CallSite,
} from '@aiopipe/core/internal';
import { Deferred } from '../wait/deferred.js';

/** Events that are kept for a reader that does not take them. */
const MAX_UNREAD = 10_000;

/**
 * Options of `events()`.
 *
 * @example
 * ```ts
 * import { isChild, Pool, target } from '@aiopipe/process';
 *
 * export const square = target(import.meta.url, 'square', (n: number) => n * n);
 *
 * if (!isChild()) {
 *   await using pool = new Pool(square, { size: 1 });
 *   const stop = new AbortController();
 *   const watching = (async () => {
 *     for await (const { type } of pool.events({ signal: stop.signal })) console.log(type);
 *   })();
 *   await pool.run(5);
 *   stop.abort();
 *   await watching.catch((error) => console.log(error.name));
 * }
 * ```
 * ```text
 * worker-started
 * AbortError
 * ```
 */
export interface EventsOptions {
  /** Ends the iteration with AbortError, at once. */
  readonly signal?: AbortSignal | undefined;
}

const OPTIONS = optionNames<EventsOptions>({ signal: true });

/** The events for one reader, until the last one, or until the signal aborts or the reader leaves. */
export class EventStream<Event> extends LoopIterator<Event> {
  readonly #unread: Event[] = [];
  readonly #readers: Deferred<IteratorResult<Event, void>>[] = [];
  readonly #site: CallSite;
  readonly #what: () => string;
  #stopListening: (() => void) | undefined;
  #onEnd: (() => void) | undefined;
  #hasEnded = false;
  /** The error that the reader gets once, after the unread events. */
  #error: Error | undefined;

  /**
   * Throws a TypeError for wrong options.
   *
   * @param whose - names in messages what the events are of
   */
  constructor(options: EventsOptions, whose: string, site: CallSite) {
    super();
    this.#site = site;
    const what = () => `the events of ${whose}`;
    this.#what = what;
    const refusal = refuse(options, OPTIONS, what);
    if (refusal instanceof TypeError) throw refusal;
    if (refusal !== undefined) this.#abort(refusal);
    const { signal } = options;
    if (signal === undefined || this.#hasEnded) return;
    this.#stopListening = onAbort(signal, () => {
      this.#abort(abortError(signal, what()));
    });
  }

  /** Calls back when it takes no more events; at once if it has ended. */
  onEnd(callback: () => void): void {
    if (this.#hasEnded) callback();
    else this.#onEnd = callback;
  }

  push(event: Event): void {
    const reader = this.#readers.shift();
    if (reader !== undefined) reader.resolve({ value: event, done: false });
    else if (this.#unread.length < MAX_UNREAD) this.#unread.push(event);
    else
      this.end(
        new QueueFullError(
          `${this.#what()}: ${String(MAX_UNREAD)} are not read yet; read them faster, or leave the loop`,
        ),
      );
  }

  /** No more events come. The reader gets `error` after the last one. */
  end(error?: Error): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#error = error && calledFrom(this.#site, error);
    this.#stopListening?.();
    this.#onEnd?.();
    for (const reader of this.#readers.splice(0)) this.#settle(reader);
  }

  /** The reader gets no event after the abort, not even one that came before it. */
  #abort(error: Error): void {
    this.#unread.length = 0;
    this.end(error);
  }

  #settle(reader: Deferred<IteratorResult<Event, void>>): void {
    const error = this.#error;
    this.#error = undefined;
    if (error === undefined) reader.resolve(LOOP_END);
    else reader.reject(error);
  }

  override next(): Promise<IteratorResult<Event, void>> {
    const reader = new Deferred<IteratorResult<Event, void>>();
    const event = this.#unread.shift();
    if (event !== undefined) reader.resolve({ value: event, done: false });
    else if (this.#hasEnded) this.#settle(reader);
    else this.#readers.push(reader);
    return reader.promise;
  }

  override return(): Promise<IteratorResult<Event, void>> {
    this.#unread.length = 0;
    this.end();
    this.#error = undefined;
    return Promise.resolve(LOOP_END);
  }
}

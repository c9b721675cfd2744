import { AbortError, type WaitOptions } from '@aiopipe/core';
import { handled, Pending, refuse } from '@aiopipe/core/internal';
import { addCallerFrames } from './caller-frames.js';
import { type Call } from './call.js';

/** The calls of the pool that a map needs. */
export interface MapSettings {
  readonly concurrency: number;
  readonly ordered: boolean;
  readonly signal: AbortSignal | undefined;
  /** Begins the message of an abort. */
  readonly what: string;
  /** Begins a task for the item, as soon as the pool has room. */
  begin(item: unknown): Promise<Call>;
  /** Cancels a task whose result is not wanted. */
  cancel(task: Call, reason: unknown): void;
}

/**
 * Yields the results of all items. Leaving it early cancels tasks whose results were not yielded.
 *
 * @param onEnd - called before the generator ends or throws
 */
export async function* mapItems(
  items: Iterable<unknown> | AsyncIterable<unknown>,
  settings: MapSettings,
  onEnd: () => void,
): AsyncGenerator<unknown, void, undefined> {
  let window: Window | undefined;
  try {
    window = new Window(items, settings);
    for (let result = await window.next(); result !== undefined; result = await window.next()) yield result.value;
  } catch (error) {
    addCallerFrames(error);
    throw error;
  } finally {
    onEnd();
    await window?.close();
  }
}

type Outcome = { readonly value: unknown } | { readonly error: unknown };

/** One item's task. */
interface Entry {
  readonly task: Call;
  outcome?: Outcome;
}

/** The tasks that were begun and whose results were not taken: never more than `concurrency`. */
class Window {
  readonly #source: AsyncIterator<unknown> | Iterator<unknown>;
  readonly #settings: MapSettings;
  readonly #wait: WaitOptions;
  /** In the order of their items. */
  readonly #entries = new Set<Entry>();
  /** The settled entries, in the order in which they settled. */
  readonly #settled = new Set<Entry>();
  #isPulling = false;
  #sourceHasEnded = false;
  /** The error of the source. It is thrown after the results of the items before. */
  #failure: { readonly error: unknown } | undefined;
  #hasThrown = false;
  #isClosed = false;
  #waiting: Pending<void> | undefined;

  constructor(items: Iterable<unknown> | AsyncIterable<unknown>, settings: MapSettings) {
    this.#source = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
    this.#settings = settings;
    this.#wait = { signal: settings.signal };
  }

  /** Resolves with the next result; with undefined at the end. */
  async next(): Promise<{ value: unknown } | undefined> {
    try {
      for (;;) {
        const refusal = refuse(this.#wait);
        if (refusal !== undefined) throw refusal;
        void this.#pull();
        const entry = this.#nextSettled();
        if (entry !== undefined) return this.#take(entry);
        if (this.#entries.size === 0 && !this.#isPulling) {
          if (this.#failure === undefined) return undefined;
          throw this.#failure.error;
        }
        this.#waiting = new Pending<void>(this.#wait, () => this.#settings.what);
        await this.#waiting.promise;
      }
    } catch (error) {
      this.#hasThrown = true;
      throw error;
    }
  }

  #nextSettled(): Entry | undefined {
    const [entry] = this.#settings.ordered ? this.#entries : this.#settled;
    return entry?.outcome === undefined ? undefined : entry;
  }

  #take(entry: Entry): { value: unknown } {
    this.#entries.delete(entry);
    this.#settled.delete(entry);
    // There is room for one more now. The caller may be slow with this result.
    void this.#pull();
    const outcome = entry.outcome as Outcome;
    if ('error' in outcome) throw outcome.error;
    return outcome;
  }

  /** Begins tasks until there are `concurrency` of them. */
  async #pull(): Promise<void> {
    if (this.#isPulling) return;
    this.#isPulling = true;
    while (this.#mayPull) await this.#pullOne();
    this.#isPulling = false;
    this.#wake();
  }

  get #mayPull(): boolean {
    const isOver = this.#isClosed || this.#sourceHasEnded || this.#failure !== undefined;
    return !isOver && this.#wait.signal?.aborted !== true && this.#entries.size < this.#settings.concurrency;
  }

  async #pullOne(): Promise<void> {
    let step: IteratorResult<unknown>;
    try {
      step = await this.#source.next();
      this.#sourceHasEnded = step.done === true;
    } catch (error) {
      this.#sourceHasEnded = true;
      this.#failure = { error };
      return;
    }
    if (step.done === true || this.#isClosed) return;
    try {
      this.#add(await this.#settings.begin(await step.value));
    } catch (error) {
      this.#failure = { error };
    }
  }

  #add(task: Call): void {
    const entry: Entry = { task };
    const settle = (outcome: Outcome) => {
      entry.outcome = outcome;
      if (!this.#entries.has(entry)) return;
      this.#settled.add(entry);
      this.#wake();
    };
    this.#entries.add(entry);
    task.promise.then(
      (value) => {
        settle({ value });
      },
      (error: unknown) => {
        settle({ error });
      },
    );
    if (this.#isClosed) this.#abandon();
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  /** Ends the source, and cancels the tasks. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#abandon();
    if (this.#sourceHasEnded) return;
    try {
      const ended = this.#source.return?.();
      // A generator that waits for an item, which may never come, would not return before.
      if (this.#isPulling) void handled(Promise.resolve(ended));
      else await ended;
    } catch (error) {
      // As in a loop: the error that ended it comes first.
      if (!this.#hasThrown) throw error;
    }
  }

  #abandon(): void {
    for (const { task } of this.#entries) {
      this.#settings.cancel(task, new AbortError('the caller left the map'));
    }
    this.#entries.clear();
  }
}

import { AbortError, TimeoutError, type WaitOptions } from '@aiopipe/core';
import { checkOptions, onAbort, optionNames, refuse, show } from '@aiopipe/core/internal';
import { Call } from './call.js';
import { addCallerFrames } from './caller-frames.js';
import { mapItems } from './map.js';
import { checkCount } from './options.js';
import { type Scheduler } from './scheduler.js';
import { Stream } from './stream.js';
import { type Task } from './task.js';
import { WatchedPromise } from '../failure/unheard-failure.js';

/** How tasks are done. */
export interface TaskOptions extends WaitOptions {
  /** How often a task is given to another child when one dies at it, before it rejects. */
  readonly retries?: number | undefined;
}

const TASK_OPTIONS = optionNames<TaskOptions>({ signal: true, timeout: true, retries: true });

/** How `map()` goes through its items. */
export interface MapOptions {
  /** Tasks that are begun and whose results aren't taken, at most. Two for each child of the pool unless given. */
  readonly concurrency?: number | undefined;
  /** False: the results come as soon as they are there. True unless given: in the order of the items. */
  readonly ordered?: boolean | undefined;
}

const MAP_OPTIONS = optionNames<MapOptions>({ concurrency: true, ordered: true });

/** What `run()` resolves to: never for a generator, which is for `stream()`. */
export type RunResult<Result> =
  Awaited<Result> extends AsyncIterator<unknown, unknown, never> | Iterator<unknown, unknown, never>
    ? never
    : Awaited<Result>;

/** What `stream()` yields. */
export type StreamItem<Result> =
  Awaited<Result> extends AsyncIterable<infer Item> | Iterable<infer Item> ? Awaited<Item> : never;

/** What a pool can be asked to do: of the pool itself, or of what its `with()` has returned. */
export class PoolCalls<Args extends readonly unknown[], Result> {
  /** @internal */
  protected readonly scheduler: Scheduler;
  readonly #options: TaskOptions;
  /** Undefined where there is nothing to wait for but the task. */
  readonly #wait: WaitOptions | undefined;
  readonly #cancel: (task: Task) => void;

  /** @internal */
  constructor(scheduler: Scheduler, options: TaskOptions) {
    const refusal = refuse(options, TASK_OPTIONS);
    if (refusal instanceof TypeError) throw refusal;
    const { signal, timeout, retries = 0 } = options;
    checkCount('retries', retries, 0);
    this.scheduler = scheduler;
    this.#options = options;
    this.#wait = signal === undefined && timeout === undefined ? undefined : { signal, timeout };
    this.#cancel = (task) => {
      const reason: unknown =
        signal?.aborted === true ? signal.reason : new TimeoutError('nobody waits for this task any more');
      scheduler.cancel(task, reason);
    };
  }

  /**
   * The same pool with other options for what is called on the result; those that aren't given stay as they are. (They
   * aren't a last argument of `run()`, for nothing could tell that from an argument of the target.)
   *
   * ```ts
   * await pool.with({ timeout: 1000, retries: 2 }).run(file);
   * ```
   */
  with(options: TaskOptions): PoolCalls<Args, Result> {
    checkOptions(options, TASK_OPTIONS);
    return new PoolCalls<Args, Result>(this.scheduler, { ...this.#options, ...options });
  }

  /**
   * Calls the target in a child; resolves to what it returns, or rejects with what it throws. ChildError where the child
   * died at it, and no retry was left; QueueFullError where too many tasks wait; AbortError and TimeoutError as the options
   * say: at once, and the task is taken from the queue, or told to stop (see `taskSignal()`). It needn't be awaited: if it
   * fails and nothing has looked at this promise, a process warning (`AIOPIPE_TASK_FAILED`) tells it once.
   *
   * Handles in the arguments move to the child. The arguments must not be changed before the task has ended: for a retry
   * they are sent again.
   */
  run(...args: Args): Promise<RunResult<Result>> {
    try {
      return this.#begin(args).promise as Promise<unknown> as Promise<RunResult<Result>>;
    } catch (error) {
      const refused = Promise.reject<RunResult<Result>>(error as Error);
      return WatchedPromise.of(refused, error instanceof AbortError ? () => undefined : this.scheduler.tellUnheard);
    }
  }

  #begin(args: readonly unknown[]): Call {
    if (this.#wait !== undefined) {
      const refusal = refuse(this.#wait);
      if (refusal !== undefined) throw refusal;
    }
    this.scheduler.admission.check();
    const task = new Call(args, this.#options.retries ?? 0, this.scheduler.tellUnheard);
    if (this.#wait !== undefined)
      task.limit(this.#wait, `the task of the pool of ${this.scheduler.name} was not done`, this.#cancel);
    this.scheduler.submit(task);
    return task;
  }

  /**
   * Calls a target of one argument for each item, and yields the results. (For several arguments, call `run()`, or make the
   * item an object.) Items are taken only as fast as results are, and only while
   * the pool's queue has room. A task that fails ends it with its error. That, and leaving the loop early, cancels what was
   * begun and not yielded, and ends the source. Signal, timeout and retries are each task's.
   */
  map<Item>(
    this: PoolCalls<readonly [Item], Result>,
    items: Iterable<Item | PromiseLike<Item>> | AsyncIterable<Item>,
    options: MapOptions = {},
  ): AsyncGenerator<RunResult<Result>, void, undefined> {
    checkOptions(options, MAP_OPTIONS);
    const { concurrency = 2 * this.scheduler.size, ordered = true } = options;
    checkCount('concurrency', concurrency, 1);
    if (typeof ordered !== 'boolean') throw new TypeError(`ordered: expected true or false, not ${show(ordered)}`);
    if (!isIterable(items)) throw new TypeError('map: expected something to iterate over');
    const { admission } = this.scheduler;
    return mapItems(items, {
      concurrency,
      ordered,
      signal: this.#wait?.signal,
      what: `a map of the pool of ${this.scheduler.name}`,
      begin: async (item) => {
        while (admission.isFull) await admission.room(this.#wait && { signal: this.#wait.signal });
        return this.#begin([item]);
      },
      cancel: (task, reason) => {
        this.scheduler.cancel(task, reason);
      },
    }) as AsyncGenerator<RunResult<Result>, void, undefined>;
  }

  /**
   * Calls a target that is a generator, or returns something else to iterate over, and yields its items one by one. It
   * begins with the first `next()`. A consumer that is slow stops the generator, when the channel between them is full.
   * Leaving the loop early ends it where it is, and its `finally` is run before the loop is left.
   *
   * A timeout is for each item. A retry happens only before the first.
   */
  async *stream(...args: Args): AsyncGenerator<StreamItem<Result>, void, undefined> {
    const refusal = this.#wait && refuse(this.#wait);
    if (refusal !== undefined) throw refusal;
    this.scheduler.admission.check();
    const task = new Stream(args, this.#options.retries ?? 0);
    this.scheduler.submit(task);
    const { signal } = this.#options;
    // Also while the items that came are being used.
    const stopListening =
      signal &&
      onAbort(signal, () => {
        this.#cancel(task);
      });
    try {
      for (;;) {
        const item = await task.next(this.#wait, this.#cancel);
        if (item === undefined) return;
        yield item.value as StreamItem<Result>;
      }
    } catch (error) {
      addCallerFrames(error);
      throw error;
    } finally {
      stopListening?.();
      this.scheduler.cancel(task, new AbortError('nobody takes the items of this stream any more'));
      await task.left();
    }
  }
}

function isIterable(value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);
}

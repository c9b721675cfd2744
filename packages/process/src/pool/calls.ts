import { AbortError, TimeoutError, type WaitOptions } from '@aiopipe/core';
import { checkCount, checkFlag, checkOptions, onAbort, optionNames, refuse, show } from '@aiopipe/core/internal';
import { Call } from './call.js';
import { addCallerFrames } from './caller-frames.js';
import { mapItems, type MapSettings } from './map.js';
import { PoolLoop } from './pool-loop.js';
import { type Scheduler } from './scheduler.js';
import { Stream } from './stream.js';
import { type Task } from './task.js';
import { WatchedPromise } from '../failure/unheard-failure.js';

/** Options of tasks. */
export interface TaskOptions extends WaitOptions {
  /** How often a task is given to another child if its child dies, before it rejects. */
  readonly retries?: number | undefined;
}

const TASK_OPTIONS = optionNames<TaskOptions>({ signal: true, timeout: true, retries: true });

/** Options of `map()`. */
export interface MapOptions {
  /** How many tasks may be started before their results are taken. Default: two for each child of the pool. */
  readonly concurrency?: number | undefined;
  /** Whether results come in the order of the items (default), or as soon as they are there. */
  readonly ordered?: boolean | undefined;
}

const MAP_OPTIONS = optionNames<MapOptions>({ concurrency: true, ordered: true });

/** The result of `run()`. It is `never` for a generator: call that with `stream()`. */
export type RunResult<Result> =
  Awaited<Result> extends AsyncIterator<unknown, unknown, never> | Iterator<unknown, unknown, never>
    ? never
    : Awaited<Result>;

/** The items of `stream()`. */
export type StreamItem<Result> =
  Awaited<Result> extends AsyncIterable<infer Item> | Iterable<infer Item> ? Awaited<Item> : never;

/** The calls of a pool, and of what its `with()` returns. */
export class PoolCalls<Args extends readonly unknown[], Result> {
  readonly #scheduler: Scheduler;
  readonly #options: TaskOptions;
  /** Undefined if there is no signal and no timeout. */
  readonly #wait: WaitOptions | undefined;
  readonly #cancel: (task: Task) => void;

  /** @internal */
  constructor(scheduler: Scheduler, options: TaskOptions) {
    const refusal = refuse(options, TASK_OPTIONS);
    if (refusal instanceof TypeError) throw refusal;
    const { signal, timeout, retries = 0 } = options;
    checkCount('retries', retries);
    this.#scheduler = scheduler;
    this.#options = options;
    this.#wait = signal === undefined && timeout === undefined ? undefined : { signal, timeout };
    this.#cancel = (task) => {
      const reason: unknown =
        signal?.aborted === true ? signal.reason : new TimeoutError('the caller stopped waiting for this task');
      scheduler.cancel(task, reason);
    };
  }

  /**
   * Returns the same pool with other options for its calls. Options that are not given stay as they are. (They are no last
   * argument of `run()`, for that could not be told from an argument of the target.)
   *
   * ```ts
   * await pool.with({ timeout: 1000, retries: 2 }).run(file);
   * ```
   */
  with(options: TaskOptions): PoolCalls<Args, Result> {
    checkOptions(options, TASK_OPTIONS);
    return new PoolCalls<Args, Result>(this.#scheduler, { ...this.#options, ...options });
  }

  /**
   * Calls the target in a child. Resolves with what it returns; rejects with what it throws. Rejects with ChildError if the
   * child dies and no retry is left, with QueueFullError if too many tasks wait, with ClosedError if the pool is closed. If
   * the signal aborts or the timeout is over, it rejects at once with AbortError or TimeoutError. The task is then taken from
   * the queue, or told to stop (see `taskSignal()`).
   *
   * The promise need not be awaited. If the task fails and nothing has used the promise, a process warning
   * (`AIOPIPE_TASK_FAILED`) tells it once. If the caller awaits it, the error's stack has the caller's line.
   *
   * Handles in the arguments move to the child. Do not change the arguments before the task has ended: a retry sends them
   * again.
   */
  run(...args: Args): Promise<RunResult<Result>> {
    try {
      return this.#begin(args).promise as Promise<unknown> as Promise<RunResult<Result>>;
    } catch (error) {
      const refused = Promise.reject<RunResult<Result>>(error as Error);
      return WatchedPromise.of(refused, error instanceof AbortError ? () => undefined : this.#scheduler.tellUnheard);
    }
  }

  #begin(args: readonly unknown[]): Call {
    if (this.#wait !== undefined) {
      const refusal = refuse(this.#wait);
      if (refusal !== undefined) throw refusal;
    }
    this.#scheduler.admission.check();
    const task = new Call(args, this.#options.retries ?? 0, this.#scheduler.tellUnheard);
    if (this.#wait !== undefined)
      task.limit(this.#wait, `the task of the pool of ${this.#scheduler.name} was not done`, this.#cancel);
    this.#scheduler.submit(task);
    return task;
  }

  /**
   * Calls a target of one argument for each item, and yields the results. For a target of several arguments, call `run()`, or
   * make it take one object.
   *
   * Items are taken from the source only as fast as results are taken, and only while the queue has room. A task that fails
   * ends the map with its error. That, and leaving the loop early, cancels tasks whose results were not yielded, and ends the
   * source. Signal, timeout and retries are for each task. After an abort it yields no more.
   */
  map<Item>(
    this: PoolCalls<readonly [Item], Result>,
    items: Iterable<Item | PromiseLike<Item>> | AsyncIterable<Item>,
    options: MapOptions = {},
  ): AsyncGenerator<RunResult<Result>, void, undefined> {
    checkOptions(options, MAP_OPTIONS);
    const { concurrency = 2 * this.#scheduler.size, ordered = true } = options;
    checkCount('concurrency', concurrency, { least: 1, of: 'tasks' });
    checkFlag('ordered', ordered);
    if (!isIterable(items)) throw new TypeError(`items: expected an iterable or an async iterable, not ${show(items)}`);
    const { admission } = this.#scheduler;
    const mapSettings: MapSettings = {
      concurrency,
      ordered,
      signal: this.#wait?.signal,
      what: `a map of the pool of ${this.#scheduler.name}`,
      begin: async (item) => {
        while (admission.isFull) await admission.room(this.#wait && { signal: this.#wait.signal });
        return this.#begin([item]);
      },
      cancel: (task, reason) => {
        this.#scheduler.cancel(task, reason);
      },
    };
    const loop = new PoolLoop((onEnd) => mapItems(items, mapSettings, onEnd));
    return loop as AsyncGenerator<unknown, void, undefined> as AsyncGenerator<RunResult<Result>, void, undefined>;
  }

  /**
   * Calls a target that is a generator, or returns an iterable, and yields its items. The task begins with the first
   * `next()`. If the caller is slow, the channel fills and the generator waits. Leaving the loop early ends the generator: its
   * `finally` is run before the loop is left.
   *
   * The timeout is for each item. A retry happens only before the first item. After an abort it yields no more.
   */
  stream(...args: Args): AsyncGenerator<StreamItem<Result>, void, undefined> {
    return new PoolLoop((onEnd) => this.#stream(args, onEnd));
  }

  async *#stream(args: readonly unknown[], onEnd: () => void): AsyncGenerator<StreamItem<Result>, void, undefined> {
    const task = new Stream(args, this.#options.retries ?? 0);
    let stopListening: (() => void) | undefined;
    let isSubmitted = false;
    try {
      const refusal = this.#wait && refuse(this.#wait);
      if (refusal !== undefined) throw refusal;
      this.#scheduler.admission.check();
      this.#scheduler.submit(task);
      isSubmitted = true;
      // An abort must also cancel the task while the caller works on an item.
      stopListening =
        this.#wait?.signal &&
        onAbort(this.#wait.signal, () => {
          this.#cancel(task);
        });
      for (;;) {
        const item = await task.next(this.#wait, this.#cancel);
        if (item === undefined) return;
        yield item.value as StreamItem<Result>;
      }
    } catch (error) {
      addCallerFrames(error);
      throw error;
    } finally {
      onEnd();
      stopListening?.();
      if (isSubmitted) {
        this.#scheduler.cancel(task, new AbortError('the caller left the stream'));
        await task.left();
      }
    }
  }
}

function isIterable(value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);
}

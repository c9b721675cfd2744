import { AbortError, TimeoutError, type WaitOptions } from '@aiopipe/core';
import {
  checkCount,
  checkFlag,
  checkOptions,
  instead,
  onAbort,
  optionNames,
  refuse,
  show,
} from '@aiopipe/core/internal';
import { Call } from './call.js';
import { addCallerFrames } from './caller-frames.js';
import { mapItems, type MapSettings } from './map.js';
import { OF_THE_POOL } from './options.js';
import { PoolLoop } from './pool-loop.js';
import { type Scheduler } from './scheduler.js';
import { type Task } from './task.js';
import { TASK_NAMES, type TaskSettings } from './task-settings.js';
import { poolTask, TaskTrace } from './task-events.js';
import { type PoolTarget } from './targets.js';
import {
  type Items,
  type MapOptions,
  type PoolCalls,
  type RunResult,
  type StreamItem,
  type TaskOptions,
} from './interface.js';
import { Stream } from './stream.js';
import { WatchedPromise } from '../failure/unheard-failure.js';

const MAP_NAMES = { concurrency: true, ordered: true, spread: true } as const;

const TASK_OPTIONS = optionNames<TaskOptions>(TASK_NAMES, {
  ...OF_THE_POOL,
  ...instead(Object.keys(MAP_NAMES), 'map() has it: pool.map(list, { * })'),
});

const MAP_OPTIONS = optionNames<MapOptions>(MAP_NAMES, {
  ...OF_THE_POOL,
  ...instead(Object.keys(TASK_NAMES), 'write pool.with({ * }).map(…)'),
});

/** The calls of one target, with their options. */
export class TargetCalls<Args extends readonly unknown[], Result> implements PoolCalls<Args, Result> {
  readonly #scheduler: Scheduler;
  readonly #target: PoolTarget;
  readonly #options: TaskOptions;
  readonly #settings: TaskSettings;
  /** Undefined if there is no signal and no timeout. */
  readonly #wait: WaitOptions | undefined;
  readonly #cancel: (task: Task) => void;

  constructor(scheduler: Scheduler, target: PoolTarget, options: TaskOptions) {
    const refusal = refuse(options, TASK_OPTIONS);
    if (refusal instanceof TypeError) throw refusal;
    const { signal, timeout, retries = 0, priority = 0, key } = options;
    checkCount('retries', retries);
    checkPriority(priority);
    checkKey(key);
    this.#settings = { retries, priority, key };
    this.#scheduler = scheduler;
    this.#target = target;
    this.#options = options;
    this.#wait = signal === undefined && timeout === undefined ? undefined : { signal, timeout };
    this.#cancel = (task) => {
      const reason: unknown =
        signal?.aborted === true ? signal.reason : new TimeoutError('the caller stopped waiting for this task');
      scheduler.cancel(task, reason);
    };
  }

  with(options: TaskOptions): PoolCalls<Args, Result> {
    checkOptions(options, TASK_OPTIONS);
    return new TargetCalls<Args, Result>(this.#scheduler, this.#target, { ...this.#options, ...options });
  }

  run(...args: Args): Promise<RunResult<Result>> {
    try {
      return this.#begin(args).promise as Promise<unknown> as Promise<RunResult<Result>>;
    } catch (error) {
      const refused = Promise.reject<RunResult<Result>>(error as Error);
      return WatchedPromise.of(refused, error instanceof AbortError ? () => undefined : this.#scheduler.tellUnheard);
    }
  }

  get #what(): string {
    const { number, name } = this.#target;
    return `${number === 0 ? 'the task' : `the task ${name}`} of ${this.#scheduler.title}`;
  }

  #begin(args: readonly unknown[]): Call {
    if (this.#wait !== undefined) {
      const refusal = refuse(this.#wait);
      if (refusal !== undefined) throw refusal;
    }
    return this.#traced('run', (trace) => {
      this.#scheduler.admission.check();
      const task = new Call(this.#target, args, this.#settings, this.#scheduler.tellUnheard, trace);
      if (this.#wait !== undefined) {
        const what = () => `${this.#what} was not ${task.wasGiven ? 'done' : 'started'}`;
        task.limit(this.#wait, what, this.#cancel);
      }
      this.#scheduler.submit(task);
      return task;
    });
  }

  /** Publishes the call of a task, if anything observes it. */
  #traced<Made>(kind: 'run' | 'stream', make: (trace: TaskTrace | undefined) => Made): Made {
    if (!poolTask.isObserved) return make(undefined);
    const trace = new TaskTrace(this.#scheduler.title, this.#target.name, kind, this.#settings);
    return poolTask.call(trace.message, () => make(trace));
  }

  map(items: Items<unknown>, options: MapOptions = {}): AsyncGenerator<RunResult<Result>, void, undefined> {
    checkOptions(options, MAP_OPTIONS);
    const { concurrency = 2 * this.#scheduler.size, ordered = true, spread = false } = options;
    checkCount('concurrency', concurrency, { least: 1, of: 'tasks' });
    checkFlag('ordered', ordered);
    checkFlag('spread', spread);
    if (!isIterable(items)) throw new TypeError(`items: expected an iterable or an async iterable, not ${show(items)}`);
    const { admission } = this.#scheduler;
    const mapSettings: MapSettings = {
      concurrency,
      ordered,
      signal: this.#wait?.signal,
      what: `a map of ${this.#scheduler.title}`,
      begin: async (item) => {
        while (admission.isFull) await admission.room(this.#wait && { signal: this.#wait.signal });
        return this.#begin(spread ? listOf(item) : [item]);
      },
      cancel: (task, reason) => {
        this.#scheduler.cancel(task, reason);
      },
    };
    const loop = new PoolLoop((onEnd) => mapItems(items, mapSettings, onEnd));
    return loop as AsyncGenerator<unknown, void, undefined> as AsyncGenerator<RunResult<Result>, void, undefined>;
  }

  stream(...args: Args): AsyncGenerator<StreamItem<Result>, void, undefined> {
    return new PoolLoop((onEnd) => this.#stream(args, onEnd));
  }

  async *#stream(args: readonly unknown[], onEnd: () => void): AsyncGenerator<StreamItem<Result>, void, undefined> {
    let task: Stream | undefined;
    let stopListening: (() => void) | undefined;
    try {
      const refusal = this.#wait && refuse(this.#wait);
      if (refusal !== undefined) throw refusal;
      const begun = this.#traced('stream', (trace) => {
        this.#scheduler.admission.check();
        const made = new Stream(this.#target, args, this.#settings, trace);
        this.#scheduler.submit(made);
        return made;
      });
      task = begun;
      // An abort must also cancel the task while the caller works on an item.
      stopListening =
        this.#wait?.signal &&
        onAbort(this.#wait.signal, () => {
          this.#cancel(begun);
        });
      for (;;) {
        const item = await begun.next(this.#wait, this.#cancel);
        if (item === undefined) return;
        yield item.value as StreamItem<Result>;
      }
    } catch (error) {
      addCallerFrames(error);
      throw error;
    } finally {
      onEnd();
      stopListening?.();
      if (task !== undefined) {
        this.#scheduler.cancel(task, new AbortError('the caller left the stream'));
        await task.left();
      }
    }
  }
}

function checkPriority(priority: unknown): void {
  if (typeof priority === 'number' && Number.isFinite(priority)) return;
  throw new TypeError(`priority: expected a finite number, not ${show(priority)}`);
}

function checkKey(key: unknown): void {
  if (key === undefined || typeof key === 'string' || (typeof key === 'number' && !Number.isNaN(key))) return;
  throw new TypeError(`key: expected a string or a number, not ${show(key)}`);
}

/** Returns the arguments in an item of a map with `spread`. */
export function listOf(item: unknown): readonly unknown[] {
  if (Array.isArray(item)) return item;
  throw new TypeError(`items: with spread, expected arrays of arguments, not ${show(item)}`);
}

function isIterable(value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);
}

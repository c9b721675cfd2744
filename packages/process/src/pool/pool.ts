import { EventEmitter } from 'node:events';
import { ClosedError, type WaitOptions } from '@aiopipe/core';
import {
  callSite,
  checkMayStart,
  checkMilliseconds,
  checkOptions,
  optionNames,
  ObservedLives,
} from '@aiopipe/core/internal';
import { EventStream, type EventsOptions } from '../events/event-stream.js';
import { PoolPublisher, type PoolEvent, type PoolEvents } from './events.js';
import { TargetCalls } from './calls.js';
import { CheckedCalls } from './checked-calls.js';
import {
  type CheckedResult,
  type Items,
  type MapItem,
  type MapOptions,
  type PoolCalls,
  type RunResult,
  type StreamItem,
  type TargetSchemas,
  type TaskOptions,
} from './interface.js';
import { readPoolOptions, type PoolOptions } from './options.js';
import { Scheduler } from './scheduler.js';
import { type PoolStats } from './stats.js';
import { type ObservedPool } from './observed-pool.js';
import { type WorkerInfo } from './worker-info.js';
import { checkPoolTarget } from './targets.js';
import { isTarget, type AnyTarget, type Target } from '../target/target.js';

/** The target among the arguments. Options stand alone: what stands before some, or is no object of options, is meant to be one. */
function targetOf(first: unknown, second: unknown): AnyTarget | undefined {
  const isMeant = second !== undefined || isTarget(first) || typeof first !== 'object' || first instanceof URL;
  if (!isMeant) return undefined;
  checkPoolTarget(first, 'new Pool()');
  return first;
}

/**
 * Options of `close()`.
 *
 * @example
 * ```ts
 * import { isChild, Pool, target } from '@aiopipe/process';
 *
 * export const square = target(import.meta.url, 'square', (n: number) => n * n);
 *
 * if (!isChild()) {
 *   const pool = new Pool(square, { size: 1 });
 *   void pool.run(5).then(console.log);
 *   await pool.close({ timeout: 10_000 }); // waits for the task
 * }
 * ```
 * ```text
 * 25
 * ```
 */
export interface CloseOptions {
  /** Milliseconds after which tasks that are not done are cancelled. Default: no limit. */
  readonly timeout?: number | undefined;
}

const CLOSE_OPTIONS = optionNames<CloseOptions>({ timeout: true });

const observed = new ObservedLives<ObservedPool, PoolEvent>('pool');

/**
 * Child processes that run tasks: calls of targets. Each child runs one task at a time. A child that dies is replaced. Its
 * task rejects with ChildError, or is given to another child as often as `retries` says. No other task is touched.
 *
 * A pool without a target of its own has any number of them. A child loads a target's module with the first task that needs it.
 *
 * @example
 * ```ts
 * import { isChild, Pool, target } from '@aiopipe/process';
 *
 * export const square = target(import.meta.url, 'square', (n: number) => n * n);
 *
 * if (!isChild()) {
 *   await using pool = new Pool(square, { size: 2 });
 *   console.log(await pool.run(5));
 *   for await (const result of pool.map([1, 2, 3])) console.log(result);
 * }
 * ```
 * ```text
 * 25
 * 1
 * 4
 * 9
 * ```
 */
export class Pool<Args extends readonly unknown[] = never, Result = never>
  extends EventEmitter<PoolEvents>
  implements PoolCalls<Args, Result>, AsyncDisposable
{
  readonly #scheduler: Scheduler;
  readonly #options: TaskOptions;
  readonly #publisher = new PoolPublisher((event) => this.emit(event.type, event as never), {
    happened: (event) => {
      observed.happened(this, event);
    },
    closed: () => {
      observed.closed(this);
    },
  });
  #calls: TargetCalls<Args, Result> | undefined;

  /** Starts the children. Throws TypeError if an option is wrong. */
  constructor(target: Target<Args, Result>, options?: PoolOptions);
  constructor(options?: PoolOptions);
  constructor(first: Target<Args, Result> | PoolOptions = {}, second?: PoolOptions) {
    super();
    const target = targetOf(first, second);
    checkMayStart(process.execPath);
    const settings = readPoolOptions((target === undefined ? first : second) as PoolOptions | undefined);
    this.#options = { retries: settings.retries };
    this.#scheduler = new Scheduler(target, settings, this.#publisher);
    observed.opened(this);
  }

  get #own(): TargetCalls<Args, Result> {
    const { own } = this.#scheduler.targets;
    return (this.#calls ??= new TargetCalls(this.#scheduler, own, this.#options));
  }

  /**
   * Returns the calls of a target, which run in the same children. If schemas are given, they check its arguments and
   * results in this process; a call whose check fails rejects with InvalidMessageError. Throws TypeError if it is no target, or
   * if a schema is none.
   */
  of<OtherArgs extends readonly unknown[], OtherResult, const Schemas extends TargetSchemas = Record<never, never>>(
    target: Target<OtherArgs, OtherResult>,
    schemas?: Schemas,
  ): PoolCalls<OtherArgs, CheckedResult<OtherResult, Schemas>> {
    const known = this.#scheduler.targets.get(target);
    const calls = new TargetCalls<OtherArgs, CheckedResult<OtherResult, Schemas>>(
      this.#scheduler,
      known,
      this.#options,
    );
    if (schemas === undefined) return calls;
    const unchecked = calls as unknown as PoolCalls<readonly unknown[], unknown>;
    return CheckedCalls.make(unchecked, target.name, schemas, this.#scheduler.tellUnheard);
  }

  /** See {@link PoolCalls.with}. */
  with(options: TaskOptions): PoolCalls<Args, Result> {
    return this.#own.with(options);
  }

  /** See {@link PoolCalls.run}. */
  run(...args: Args): Promise<RunResult<Result>> {
    return this.#own.run(...args);
  }

  /** See {@link PoolCalls.map}. */
  map(
    items: Items<Args>,
    options: MapOptions & { readonly spread: true },
  ): AsyncGenerator<RunResult<Result>, void, undefined>;
  map(
    items: Items<MapItem<Args>>,
    options?: MapOptions & { readonly spread?: false | undefined },
  ): AsyncGenerator<RunResult<Result>, void, undefined>;
  map(items: Items<unknown>, options?: MapOptions): AsyncGenerator<RunResult<Result>, void, undefined> {
    return this.#own.map(items, options);
  }

  /** See {@link PoolCalls.stream}. */
  stream(...args: Args): AsyncGenerator<StreamItem<Result>, void, undefined> {
    return this.#own.stream(...args);
  }

  /** The pool's name in messages: `the pool of hash`. */
  get title(): string {
    return this.#scheduler.title;
  }

  /** The workers as they are now, those that are asked to end too. */
  get workers(): readonly WorkerInfo[] {
    return this.#scheduler.workers;
  }

  /** Counts of what the pool has done and is doing. */
  get stats(): PoolStats {
    return this.#scheduler.stats;
  }

  /** Resolves when the queue has room for one more task, at once if it has. Rejects with ClosedError if the pool is closed. */
  drain(options?: WaitOptions): Promise<void> {
    return this.#scheduler.admission.room(options);
  }

  /**
   * Takes no more tasks, waits until all tasks are done, and ends the children. After the timeout, tasks that are not done
   * reject with ClosedError: those that wait are never begun, and those that run have `cancelGrace` to end (see `taskSignal()`).
   */
  close(options: CloseOptions = {}): Promise<void> {
    checkOptions(options, CLOSE_OPTIONS);
    checkMilliseconds('timeout', options.timeout);
    return this.#scheduler.close(options.timeout);
  }

  /**
   * Iterates over all events from this call on. It ends when the pool has ended; leaving the loop early ends it, too. Up to
   * 10000 events are kept until they are taken; at one more it ends with QueueFullError. If `signal` aborts, it ends with
   * AbortError at once.
   *
   * ```ts
   * for await (const event of pool.events()) if (event.type === 'worker-ended') log(event.worker, event.reason);
   * ```
   */
  events(options: EventsOptions = {}): AsyncGenerator<PoolEvent, void, undefined> {
    const stream = new EventStream<PoolEvent>(options, this.#scheduler.title, callSite(this.events));
    this.#publisher.listeners.subscribe(stream);
    return stream;
  }

  /** Ends the children at once. Tasks that are not done reject with ClosedError. */
  async [Symbol.asyncDispose](): Promise<void> {
    const message = `${this.#scheduler.title} was closed before this task was done`;
    await this.#scheduler.end(() => new ClosedError(message));
  }
}

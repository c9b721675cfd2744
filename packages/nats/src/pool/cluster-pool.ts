import { type DecodeLimits } from '@aiopipe/codec';
import { AbortError, type WaitOptions } from '@aiopipe/core';
import {
  checkCount,
  checkFlag,
  checkOptions,
  GeneratorLoop,
  handled,
  onAbort,
  refuse,
  show,
} from '@aiopipe/core/internal';
import { type Items, type MapItem, type RunResult, type StreamItem } from '@aiopipe/process';
import { type TaskKind } from '../task/answers.js';
import { type Courier } from '../task/courier.js';
import { Call } from './call.js';
import { type CalledTarget } from './called-target.js';
import { IncomingStream } from './incoming-stream.js';
import { mapItems } from './map.js';
import {
  DEFAULT_CONCURRENCY,
  MAP_OPTIONS,
  TASK_OPTIONS,
  taskSettings,
  type ClusterMapOptions,
  type ClusterTaskOptions,
  type TaskSettings,
} from './options.js';
import { type WaitingTask } from './outcome.js';
import { SentTask, type SenderParts } from './sent-task.js';
import { askStats, type ClusterPoolStats, type StatsOptions } from './stats.js';
import { clusterTask, TaskTrace } from './task-events.js';

/** What a pool needs of its cluster. */
export interface PoolParts extends SenderParts {
  readonly courier: Courier;
  readonly calls: CalledTarget;
  readonly limits: DecodeLimits;
}

/**
 * The calls of a target on the machines of a cluster. `cluster.pool()` makes it. They are the calls of a local `Pool`; the tasks
 * wait in a stream, and run on any machine that serves the target.
 *
 * @example
 * ```ts
 * import { Cluster } from '@aiopipe/nats';
 * import { isChild, target } from '@aiopipe/process';
 * import { connect } from '@nats-io/transport-node';
 *
 * export const half = target(import.meta.url, 'half', (n: number) => n / 2);
 *
 * if (!isChild()) {
 *   const nc = await connect({ servers: 'nats://127.0.0.1:4222' });
 *   const cluster = await Cluster.open(nc, { name: 'halves' });
 *   await cluster.serve({ half }, { size: 1 });
 *   const pool = cluster.pool<typeof half>('half', { retries: 2 });
 *   console.log(await pool.with({ timeout: 10_000, priority: 1 }).run(9));
 *   for await (const result of pool.map([2, 4], { concurrency: 8 })) console.log(result);
 *   const { queued, machines } = await pool.stats({ timeout: 1000 });
 *   console.log(queued, machines.length);
 *   await cluster[Symbol.asyncDispose]();
 *   await nc.close();
 * }
 * ```
 * ```text
 * 4.5
 * 1
 * 2
 * 0 1
 * ```
 */
export class ClusterPool<Args extends readonly unknown[] = readonly unknown[], Result = unknown> {
  readonly #parts: PoolParts;
  readonly #options: ClusterTaskOptions;
  readonly #settings: TaskSettings;
  readonly #wait: WaitOptions | undefined;

  private constructor(parts: PoolParts, options: ClusterTaskOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#settings = taskSettings(options);
    const { signal, timeout } = this.#settings;
    this.#wait = signal === undefined && timeout === undefined ? undefined : { signal, timeout };
  }

  /** @internal */
  static make<Args extends readonly unknown[], Result>(
    parts: PoolParts,
    options: ClusterTaskOptions,
  ): ClusterPool<Args, Result> {
    return new ClusterPool(parts, options);
  }

  /** The pool's name in messages: `the cluster's pool of thumbs/hash`. */
  get title(): string {
    return `the cluster's pool of ${this.#parts.target}`;
  }

  /** Returns the same calls with other options. Options that are not given stay as they are. */
  with(options: ClusterTaskOptions): ClusterPool<Args, Result> {
    checkOptions(options, TASK_OPTIONS);
    return new ClusterPool(this.#parts, { ...this.#options, ...options });
  }

  /**
   * Calls the target on a machine. Resolves with what it returns; rejects with what it throws, whose property `machine` names the
   * machine. Rejects with ChildError if its worker or machine died and no retry is left; with QueueFullError if too many tasks
   * wait. If no machine serves the target, the task waits for one: give a timeout. If the signal aborts or the timeout is over, it
   * rejects at once; the task is then taken from the queue, or told to stop.
   *
   * Handles cannot leave this machine: they are an EncodeError. The promise is marked as handled.
   */
  run(...args: Args): Promise<RunResult<Result>> {
    try {
      return this.#begin(args).promise as Promise<RunResult<Result>>;
    } catch (error) {
      return handled(Promise.reject(error as Error));
    }
  }

  /**
   * Calls the target once for each item, and yields the results. Items are taken from the source only as fast as results are taken.
   * A task that fails ends the map with its error. That, and leaving the loop early, cancels tasks whose results were not yielded,
   * and ends the source. Signal, timeout and retries are for each task.
   */
  map(
    items: Items<Args>,
    options: ClusterMapOptions & { readonly spread: true },
  ): AsyncGenerator<RunResult<Result>, void, undefined>;
  map(
    items: Items<MapItem<Args>>,
    options?: ClusterMapOptions & { readonly spread?: false | undefined },
  ): AsyncGenerator<RunResult<Result>, void, undefined>;
  map(items: Items<unknown>, options: ClusterMapOptions = {}): AsyncGenerator<RunResult<Result>, void, undefined> {
    checkOptions(options, MAP_OPTIONS);
    const { concurrency = DEFAULT_CONCURRENCY, ordered = true, spread = false } = options;
    checkCount('concurrency', concurrency, { least: 1, of: 'tasks' });
    checkFlag('ordered', ordered);
    checkFlag('spread', spread);
    if (!isIterable(items)) throw new TypeError(`items: expected an iterable or an async iterable, not ${show(items)}`);
    const loop = mapItems(items, {
      concurrency,
      ordered,
      wait: this.#wait ?? {},
      what: `a map of ${this.title}`,
      begin: (item) => this.#begin(spread ? listOf(item) : [item]),
    });
    return new GeneratorLoop(loop as AsyncGenerator<RunResult<Result>, void, undefined>);
  }

  /**
   * Calls a target that is a generator, or returns an iterable, and yields its items. The task begins with the first `next()`. If
   * the caller is slow, the generator waits: at most 16 items are between the machines. Leaving the loop early ends the generator.
   *
   * The timeout is for each item. A retry happens only before the first item: if the machine is lost later, it throws ChildError.
   */
  stream(...args: Args): AsyncGenerator<StreamItem<Result>, void, undefined> {
    return new GeneratorLoop(this.#stream(args));
  }

  async *#stream(args: readonly unknown[]): AsyncGenerator<StreamItem<Result>, void, undefined> {
    const { courier, bodies, limits, desk, calls } = this.#parts;
    const what = `the task of ${this.title}`;
    const refusal = refuse(this.#wait, undefined, () => what);
    if (refusal !== undefined) throw refusal;
    const stream = new IncomingStream(courier, bodies, limits, what);
    const [sent, trace] = this.#traced('stream', (begun) => [this.#submit(args, 'stream', stream, begun), begun]);
    // An abort must also cancel the task while the caller works on an item.
    const stopListening =
      this.#wait?.signal &&
      onAbort(this.#wait.signal, () => {
        sent.leave();
      });
    let hasEnded = false;
    let failure: { readonly error: unknown } | undefined;
    try {
      for (;;) {
        const item = await stream.next(this.#wait);
        if (item === undefined) {
          hasEnded = true;
          return;
        }
        yield item.value as StreamItem<Result>;
      }
    } catch (error) {
      failure = { error };
      throw error;
    } finally {
      const { answered } = stream;
      const isLeft = failure === undefined || stream.isLeft;
      calls.settled(hasEnded ? 'completed' : isLeft ? 'cancelled' : 'failed', answered);
      if (hasEnded) trace?.succeeded(answered);
      else
        trace?.failed(failure === undefined ? new AbortError('the caller left the stream') : failure.error, answered);
      stopListening?.();
      stream.close();
      if (hasEnded) desk.settled(sent.id);
      else sent.leave();
    }
  }

  /** Asks the server and all machines what is going on. */
  stats(options?: StatsOptions): Promise<ClusterPoolStats> {
    return askStats(this.#parts, options);
  }

  #begin(args: readonly unknown[]): { readonly promise: Promise<unknown>; readonly leave: () => void } {
    const what = `the task of ${this.title}`;
    const refusal = refuse(this.#wait, undefined, () => what);
    if (refusal !== undefined) throw refusal;
    return this.#traced('run', (trace) => this.#call(args, what, trace));
  }

  /** Publishes the call of a task, if anything observes it. */
  #traced<Made>(kind: TaskKind, make: (trace: TaskTrace | undefined) => Made): Made {
    if (!clusterTask.isObserved) return make(undefined);
    const { names, target, version } = this.#parts;
    const trace = new TaskTrace({ cluster: names.cluster, target, version }, kind, this.#settings);
    return clusterTask.call(trace.message, () => make(trace));
  }

  #call(
    args: readonly unknown[],
    what: string,
    trace: TaskTrace | undefined,
  ): { readonly promise: Promise<unknown>; readonly leave: () => void } {
    const { bodies, limits, desk, calls } = this.#parts;
    let sent: SentTask | undefined = undefined;
    const settled = () => {
      if (sent !== undefined) desk.settled(sent.id);
    };
    const left = () => sent?.leave();
    const call = new Call(this.#wait, what, bodies, limits, settled, left);
    try {
      sent = this.#submit(args, 'run', call, trace);
    } catch (error) {
      // Its timer and its listener of the signal end, too.
      call.fail(error);
      throw error;
    }
    const { promise } = call;
    promise.then(
      () => {
        calls.settled('completed', call.answered);
        trace?.succeeded(call.answered);
      },
      (error: unknown) => {
        calls.settled(sent?.isLeft === true ? 'cancelled' : 'failed', call.answered);
        trace?.failed(error, call.answered);
      },
    );
    return {
      promise,
      leave: () => {
        if (call.isSettled) return;
        sent?.leave();
        call.fail(new AbortError('the caller left the map'));
      },
    };
  }

  /** Sends a task. Throws EncodeError if its arguments cannot be sent. */
  #submit(args: readonly unknown[], kind: TaskKind, task: WaitingTask, trace: TaskTrace | undefined): SentTask {
    const sent = new SentTask(this.#parts, { args, kind, settings: this.#settings }, task);
    if (trace !== undefined) trace.message.id = sent.id;
    this.#parts.calls.called();
    return sent;
  }
}

/** Returns the arguments in an item of a map with `spread`. */
function listOf(item: unknown): readonly unknown[] {
  if (Array.isArray(item)) return item;
  throw new TypeError(`items: with spread, expected arrays of arguments, not ${show(item)}`);
}

function isIterable(value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);
}

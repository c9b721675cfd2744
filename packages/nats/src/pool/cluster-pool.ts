import { deserialize, serialize, type DecodeLimits } from '@aiopipe/codec';
import { renamePath } from '@aiopipe/codec/internal';
import { AbortError, type WaitOptions } from '@aiopipe/core';
import {
  checkCount,
  checkFlag,
  checkOptions,
  GeneratorLoop,
  handled,
  onAbort,
  optionNames,
  refuse,
  show,
} from '@aiopipe/core/internal';
import { type Items, type MapItem, type RunResult, type StreamItem } from '@aiopipe/process';
import { headers } from '@nats-io/transport-node';
import { type Engine } from '../engine/engine.js';
import { HEADER } from '../engine/headers.js';
import { type Bodies } from '../message/bodies.js';
import { addContext } from '../message/context.js';
import { DEFAULT_LIMITS } from '../message/limits.js';
import { LANES, type Names } from '../names.js';
import { type TaskKind } from '../task/answers.js';
import { encodeControl } from '../task/control.js';
import { Call } from './call.js';
import { type Desk } from './desk.js';
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
import { clusterTask, TaskTrace } from './task-events.js';
import { readMachineStats, summarize, type ClusterPoolStats, type MachineStats } from './stats.js';

/** What a pool needs of its cluster. */
export interface PoolParts {
  readonly engine: Engine;
  readonly bodies: Bodies;
  readonly names: Names;
  readonly desk: Desk;
  readonly target: string;
  readonly version: string;
  readonly limits: DecodeLimits;
}

/**
 * Options of `stats()`.
 *
 * @see the example of {@link ClusterPool}
 */
export interface StatsOptions {
  /** Milliseconds that machines have to answer. Default: 1000. It ends 100 ms after the last answer. */
  readonly timeout?: number | undefined;
}

const STATS_OPTIONS = optionNames<StatsOptions>({ timeout: true });

/** Milliseconds after the last answer. */
const STALL = 100;

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
    const { engine, bodies, limits, desk } = this.#parts;
    const what = `the task of ${this.title}`;
    const refusal = refuse(this.#wait, undefined, () => what);
    if (refusal !== undefined) throw refusal;
    const stream = new IncomingStream(engine, bodies, limits, what);
    const [{ id, leave }, trace] = this.#traced('stream', (begun) => [
      this.#submit(args, 'stream', begun?.noting(stream) ?? stream, begun),
      begun,
    ]);
    // An abort must also cancel the task while the caller works on an item.
    const stopListening = this.#wait?.signal && onAbort(this.#wait.signal, leave);
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
      if (hasEnded) trace?.succeeded();
      else trace?.failed(failure === undefined ? new AbortError('the caller left the stream') : failure.error);
      stopListening?.();
      stream.close();
      if (hasEnded) desk.settled(id);
      else leave();
    }
  }

  /** Asks the server and all machines what is going on. */
  async stats(options: StatsOptions = {}): Promise<ClusterPoolStats> {
    checkOptions(options, STATS_OPTIONS);
    const { timeout = 1000 } = options;
    checkCount('timeout', timeout, { least: 1, most: 3_600_000, of: 'milliseconds' });
    const { engine, names, target, version } = this.#parts;
    const what = `the statistics of ${this.title}`;
    const request = encodeControl({ type: 'stats', target, version });
    const answers = await engine.insist(
      () => engine.nc.requestMany(names.machines, request, { strategy: 'stall', maxWait: timeout, stall: STALL }),
      what,
    );
    const machines: MachineStats[] = [];
    for await (const { data } of answers) {
      if (data.length === 0) continue;
      const machine = readMachineStats(deserialize(data, { limits: DEFAULT_LIMITS }));
      if (machine !== undefined) machines.push(machine);
    }
    const consumers = await Promise.all(
      LANES.map((lane) => {
        const consumer = names.taskConsumer(target, version, lane);
        return engine.insist(() => engine.jsm.consumers.info(names.tasks, consumer), what);
      }),
    );
    return summarize(machines, consumers);
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
    const { bodies, limits, desk } = this.#parts;
    let sent: { readonly id: string; readonly leave: () => void } | undefined = undefined;
    const settled = () => {
      if (sent !== undefined) desk.settled(sent.id);
    };
    const left = () => sent?.leave();
    const call = new Call(this.#wait, what, bodies, limits, settled, left);
    sent = this.#submit(args, 'run', trace?.noting(call) ?? call, trace);
    const { leave } = sent;
    if (trace !== undefined) {
      call.promise.then(
        () => {
          trace.succeeded();
        },
        (error: unknown) => {
          trace.failed(error);
        },
      );
    }
    return {
      promise: call.promise,
      leave: () => {
        if (call.isSettled) return;
        leave();
        call.fail(new AbortError('the caller left the map'));
      },
    };
  }

  /** Sends a task. Throws EncodeError if its arguments cannot be sent. */
  #submit(
    args: readonly unknown[],
    kind: TaskKind,
    task: WaitingTask,
    trace: TaskTrace | undefined,
  ): { readonly id: string; readonly leave: () => void } {
    const { engine, bodies, names, desk, target, version } = this.#parts;
    const { retries, priority, key } = this.#settings;
    let bytes: Uint8Array;
    try {
      bytes = serialize(args);
    } catch (error) {
      throw renamePath(error, 'value', 'args');
    }
    const id = desk.open(task);
    if (trace !== undefined) trace.message.id = id;
    const fields = headers();
    fields.set(HEADER.id, id);
    fields.set(HEADER.kind, kind);
    fields.set(HEADER.reply, `${desk.inbox}.${id}`);
    fields.set(HEADER.retries, String(retries));
    if (priority > 0) fields.set(HEADER.priority, String(priority));
    if (key !== undefined) fields.set(HEADER.key, encodeURIComponent(JSON.stringify(key)));
    addContext(fields);
    const subject = names.task(target, version, priority > 0 ? 'first' : 'normal');
    let isLeft = false;
    let sequence: number | undefined;
    const remove = () => {
      if (sequence === undefined || engine.isClosed) return;
      const taken = sequence;
      // A task that a machine has finished is gone already.
      void handled(engine.jsm.streams.deleteMessage(names.tasks, taken, false));
      bodies.remove(fields.get(HEADER.object) || undefined);
    };
    const send = async () => {
      try {
        const data = await bodies.pack(bytes, fields);
        const message = { subject, data, headers: fields, id };
        ({ seq: sequence } = await engine.publish(message, this.title, () => !isLeft));
        if (isLeft) remove();
      } catch (error) {
        bodies.remove(fields.get(HEADER.object) || undefined);
        desk.settled(id);
        task.fail(error as Error);
      }
    };
    void send();
    const leave = () => {
      if (isLeft) return;
      isLeft = true;
      desk.cancel(id);
      remove();
    };
    return { id, leave };
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

import { type SchemaOutput, type StandardSchema } from '@aiopipe/codec';
import { type WaitOptions } from '@aiopipe/core';

/**
 * Options of tasks.
 *
 * @example
 * ```ts
 * import { isChild, Pool, target } from '@aiopipe/process';
 *
 * export const load = target(import.meta.url, 'load', (user: string) => `${user}'s orders`);
 *
 * if (!isChild()) {
 *   await using pool = new Pool(load, { size: 2 });
 *   const urgent = pool.with({ priority: 10, timeout: 5000, retries: 2 });
 *   console.log(await urgent.with({ key: 'ada' }).run('ada')); // always by the same worker
 * }
 * ```
 * ```text
 * ada's orders
 * ```
 */
export interface TaskOptions extends WaitOptions {
  /** How often a task is given to another child if its child dies, before it rejects. */
  readonly retries?: number | undefined;
  /**
   * Default: 0. A waiting task comes before others as if it had been called so many seconds earlier: one of priority 10 comes
   * before one of priority 0, unless that has waited for 10 seconds more. It may be negative.
   */
  readonly priority?: number | undefined;
  /**
   * Tasks with the same key go to the same child while it lives, in their order. The pool remembers the last 65 536 keys.
   * Default: any child.
   */
  readonly key?: string | number | undefined;
}

/**
 * Options of `map()`.
 *
 * @example
 * ```ts
 * import { isChild, Pool, target } from '@aiopipe/process';
 *
 * export const power = target(import.meta.url, 'power', (base: number, exponent: number) => base ** exponent);
 *
 * if (!isChild()) {
 *   await using pool = new Pool(power, { size: 1 });
 *   const items: [number, number][] = [[2, 3], [3, 2]];
 *   for await (const result of pool.map(items, { spread: true, concurrency: 4 })) console.log(result);
 * }
 * ```
 * ```text
 * 8
 * 9
 * ```
 */
export interface MapOptions {
  /** How many tasks may be started before their results are taken. Default: two for each child of the pool. */
  readonly concurrency?: number | undefined;
  /** Whether results come in the order of the items (default), or as soon as they are there. */
  readonly ordered?: boolean | undefined;
  /** Whether each item is a list of arguments. Default: false, each item is the only argument. */
  readonly spread?: boolean | undefined;
}

/**
 * The items of `map()`: the first argument of a target that needs no other one. `never` if it needs more: use `spread`.
 *
 * @see the example of {@link Pool}
 */
export type MapItem<Args extends readonly unknown[]> = Args extends readonly [infer First, ...infer Rest]
  ? [] extends Rest
    ? First
    : never
  : Args extends readonly [(infer First)?, ...unknown[]]
    ? First
    : never;

/**
 * Schemas of a target: of any library that follows Standard Schema.
 *
 * @example
 * ```ts
 * import { type StandardSchema } from '@aiopipe/codec';
 * import { isChild, Pool, target } from '@aiopipe/process';
 *
 * export const half = target(import.meta.url, 'half', (n: number) => n / 2);
 * const validate = (value: unknown) => (Number.isInteger(value) ? { value } : { issues: [{ message: 'not whole' }] });
 * const whole: StandardSchema = { '~standard': { version: 1, vendor: 'example', validate } };
 *
 * if (!isChild()) {
 *   await using pool = new Pool({ size: 1 });
 *   const halves = pool.of(half, { result: whole });
 *   console.log(await halves.run(4));
 *   await halves.run(5).catch((error) => console.log(error.code));
 * }
 * ```
 * ```text
 * 2
 * ERR_AIOPIPE_INVALID_MESSAGE
 * ```
 */
export interface TargetSchemas {
  /** Checks the list of the arguments, before they are sent. The target gets what the schema makes of it. */
  readonly args?: StandardSchema<readonly unknown[]> | undefined;
  /** Checks each result, or each item of a stream. The caller gets what the schema makes of it. */
  readonly result?: StandardSchema | undefined;
}

/**
 * The result of a target whose results are checked.
 *
 * @see the example of {@link TargetSchemas}
 */
export type CheckedResult<Result, Schemas extends TargetSchemas> = Schemas extends {
  readonly result: infer Schema extends StandardSchema;
}
  ? Awaited<Result> extends AsyncIterator<unknown, unknown, never> | Iterator<unknown, unknown, never>
    ? AsyncGenerator<SchemaOutput<Schema>>
    : SchemaOutput<Schema>
  : Result;

/**
 * The result of `run()`. It is `never` for a generator: call that with `stream()`.
 *
 * @see the example of {@link Pool}
 */
export type RunResult<Result> =
  Awaited<Result> extends AsyncIterator<unknown, unknown, never> | Iterator<unknown, unknown, never>
    ? never
    : Awaited<Result>;

/**
 * The items of `stream()`.
 *
 * @see the example of {@link PoolCalls}
 */
export type StreamItem<Result> =
  Awaited<Result> extends AsyncIterable<infer Item> | Iterable<infer Item> ? Awaited<Item> : never;

/**
 * The calls of a target in the children of a pool: of a `Pool`, and of what its `of()` and `with()` return.
 *
 * @example
 * ```ts
 * import { isChild, Pool, target } from '@aiopipe/process';
 *
 * export const square = target(import.meta.url, 'square', (n: number) => n * n);
 * export const countTo = target(import.meta.url, 'countTo', function* (n: number) {
 *   for (let i = 1; i <= n; i++) yield i;
 * });
 *
 * if (!isChild()) {
 *   await using pool = new Pool({ size: 1 });
 *   console.log(await pool.of(square).with({ timeout: 5000 }).run(5));
 *   for await (const n of pool.of(countTo).stream(2)) console.log('item', n);
 * }
 * ```
 * ```text
 * 25
 * item 1
 * item 2
 * ```
 */
export interface PoolCalls<Args extends readonly unknown[], Result> {
  /**
   * Returns the same calls with other options. Options that are not given stay as they are. (They are no last argument of
   * `run()`, for that could not be told from an argument of the target.)
   *
   * ```ts
   * await pool.with({ timeout: 1000, retries: 2 }).run(file);
   * ```
   */
  with(options: TaskOptions): PoolCalls<Args, Result>;

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
  run(...args: Args): Promise<RunResult<Result>>;

  /**
   * Calls the target once for each item, and yields the results. Each item is the target's argument, or with `spread` the
   * list of its arguments.
   *
   * Items are taken from the source only as fast as results are taken, and only while the queue has room. A task that fails
   * ends the map with its error. That, and leaving the loop early, cancels tasks whose results were not yielded, and ends the
   * source. Signal, timeout and retries are for each task. After an abort it yields no more.
   */
  map(
    items: Items<Args>,
    options: MapOptions & { readonly spread: true },
  ): AsyncGenerator<RunResult<Result>, void, undefined>;
  map(
    items: Items<MapItem<Args>>,
    options?: MapOptions & { readonly spread?: false | undefined },
  ): AsyncGenerator<RunResult<Result>, void, undefined>;

  /**
   * Calls a target that is a generator, or returns an iterable, and yields its items. The task begins with the first
   * `next()`. If the caller is slow, the channel fills and the generator waits. Leaving the loop early ends the generator: its
   * `finally` is run before the loop is left.
   *
   * The timeout is for each item. A retry happens only before the first item. After an abort it yields no more.
   */
  stream(...args: Args): AsyncGenerator<StreamItem<Result>, void, undefined>;
}

/**
 * What `map()` takes its items from.
 *
 * @example
 * ```ts
 * import { isChild, Pool, target, type Items } from '@aiopipe/process';
 *
 * export const square = target(import.meta.url, 'square', (n: number) => n * n);
 *
 * async function* numbers() {
 *   yield* [1, 2];
 * }
 * if (!isChild()) {
 *   await using pool = new Pool(square, { size: 1 });
 *   const items: Items<number> = numbers();
 *   for await (const result of pool.map(items)) console.log(result);
 * }
 * ```
 * ```text
 * 1
 * 4
 * ```
 */
export type Items<Item> = Iterable<Item | PromiseLike<Item>> | AsyncIterable<Item>;

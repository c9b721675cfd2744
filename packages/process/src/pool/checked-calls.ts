import { checkBy, type Check } from '@aiopipe/codec/internal';
import { AbortError } from '@aiopipe/core';
import { checkFlag, checkOptions, optionNames, show } from '@aiopipe/core/internal';
import { listOf } from './calls.js';
import {
  type Items,
  type MapOptions,
  type PoolCalls,
  type RunResult,
  type StreamItem,
  type TargetSchemas,
  type TaskOptions,
} from './interface.js';
import { PoolLoop } from './pool-loop.js';
import { WatchedPromise } from '../failure/unheard-failure.js';

const SCHEMAS = optionNames<TargetSchemas>({ args: true, result: true });

/** The calls of a target whose arguments and results are checked. They are a layer over the calls that check nothing. */
export class CheckedCalls<Args extends readonly unknown[], Result> implements PoolCalls<Args, Result> {
  readonly #calls: PoolCalls<readonly unknown[], unknown>;
  readonly #args: Check | undefined;
  readonly #result: Check | undefined;
  readonly #onUnheard: (error: unknown) => void;

  private constructor(
    calls: PoolCalls<readonly unknown[], unknown>,
    args: Check | undefined,
    result: Check | undefined,
    onUnheard: (error: unknown) => void,
  ) {
    this.#calls = calls;
    this.#args = args;
    this.#result = result;
    this.#onUnheard = onUnheard;
  }

  /** @param onUnheard - called with an error that nothing has looked at */
  static make<Args extends readonly unknown[], Result>(
    calls: PoolCalls<readonly unknown[], unknown>,
    name: string,
    schemas: TargetSchemas,
    onUnheard: (error: unknown) => void,
  ): CheckedCalls<Args, Result> {
    checkOptions(schemas, SCHEMAS, 'schemas');
    const args = schemas.args && checkBy(schemas.args, () => `the arguments of ${name}`, 'schemas.args');
    const result = schemas.result && checkBy(schemas.result, () => `the result of ${name}`, 'schemas.result');
    return new CheckedCalls(calls, args, result, onUnheard);
  }

  with(options: TaskOptions): PoolCalls<Args, Result> {
    return new CheckedCalls(this.#calls.with(options), this.#args, this.#result, this.#onUnheard);
  }

  run(...args: Args): Promise<RunResult<Result>> {
    return WatchedPromise.of(this.#run(args) as Promise<RunResult<Result>>, (error) => {
      if (!(error instanceof AbortError)) this.#onUnheard(error);
    });
  }

  async #run(args: readonly unknown[]): Promise<unknown> {
    const value = await this.#calls.run(...(await this.#checkedArgs(args)));
    return this.#result === undefined ? value : this.#result(value);
  }

  async #checkedArgs(args: readonly unknown[]): Promise<readonly unknown[]> {
    if (this.#args === undefined) return args;
    const checked = await this.#args(args);
    if (Array.isArray(checked)) return checked;
    throw new TypeError(`schemas.args: expected an array of arguments from the schema, not ${show(checked)}`);
  }

  map(items: Items<unknown>, options: MapOptions = {}): AsyncGenerator<RunResult<Result>, void, undefined> {
    const { spread = false } = options;
    checkFlag('spread', spread);
    // A wrong source is refused at the call.
    const source = typeof items === 'object' && (items as unknown) !== null ? this.#checkedItems(items, spread) : items;
    const results = this.#calls.map(source as Items<readonly unknown[]>, { ...options, spread: true });
    return new PoolLoop((onEnd) => this.#checkedResults(results, onEnd)) as AsyncGenerator<
      unknown,
      void,
      undefined
    > as AsyncGenerator<RunResult<Result>, void, undefined>;
  }

  async *#checkedItems(items: Items<unknown>, spread: boolean): AsyncGenerator<readonly unknown[]> {
    for await (const item of items) yield await this.#checkedArgs(spread ? listOf(item) : [item]);
  }

  async *#checkedResults(results: AsyncIterable<unknown>, onEnd: () => void): AsyncGenerator<unknown, void, undefined> {
    try {
      for await (const value of results) yield this.#result === undefined ? value : await this.#result(value);
    } finally {
      onEnd();
    }
  }

  stream(...args: Args): AsyncGenerator<StreamItem<Result>, void, undefined> {
    const loop = new PoolLoop((onEnd) => this.#checkedResults(this.#items(args), onEnd));
    return loop as AsyncGenerator<unknown, void, undefined> as AsyncGenerator<StreamItem<Result>, void, undefined>;
  }

  async *#items(args: readonly unknown[]): AsyncGenerator<unknown> {
    yield* this.#calls.stream(...(await this.#checkedArgs(args)));
  }
}

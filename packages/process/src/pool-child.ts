import { BrokenPipeError, ClosedError } from '@aiopipe/core';
import { DecodeError, EndOfStreamError, type Channel } from '@aiopipe/codec';
import { putNow } from '@aiopipe/codec/internal';
import { CALL, CANCEL, ERROR, ITEM, READY, VALUE, type Answer, type Ask } from './pool-protocol.js';
import { portableError } from './portable-error.js';
import { loadFunction, target } from './target.js';
import { current, RunningTask } from './task-signal.js';

type Run = (...args: unknown[]) => unknown;

/** Milliseconds after which a generator that never waits makes way for what comes from the pool. */
const LONGEST_TURN = 10;

/** What each child of a pool runs: the pool's target, once for each task, until the pool closes the channel. */
export const serve = target(
  import.meta.url,
  'serve',
  async (channel: Channel<Answer, Ask>, url: string, name: string, maxRss: number | undefined): Promise<void> => {
    const service = new Service(channel, await loadFunction(url, name), name, maxRss);
    putNow(channel, [READY]);
    await service.follow();
  },
);

class Service {
  readonly #channel: Channel<Answer, Ask>;
  readonly #run: Run;
  readonly #name: string;
  readonly #maxRss: number | undefined;
  #task: RunningTask | undefined;
  #count = 0;

  constructor(channel: Channel<Answer, Ask>, run: Run, name: string, maxRss: number | undefined) {
    this.#channel = channel;
    this.#run = run;
    this.#name = name;
    this.#maxRss = maxRss;
  }

  async follow(): Promise<void> {
    for (;;) {
      let ask: Ask;
      try {
        ask = await this.#channel.get();
      } catch (error) {
        if (error instanceof EndOfStreamError) return;
        if (!(error instanceof DecodeError) || error.fatal) throw error;
        this.#refuse(error);
        continue;
      }
      if (ask[0] === CANCEL) this.#cancel(ask[1], ask[2]);
      else if (ask[0] === CALL) void this.#call(ask[1]);
      else void this.#stream(ask[1]);
    }
  }

  /** Something came whose parts can't be built here. A task comes to an idle worker only, and to another only its cancellation. */
  #refuse(error: DecodeError): void {
    if (this.#task !== undefined) {
      this.#cancel(this.#count, error);
      return;
    }
    this.#begin();
    this.#end([ERROR, portableError(error)]);
  }

  #cancel(count: number, reason: unknown): void {
    // It may have been answered meanwhile.
    if (count === this.#count) this.#task?.cancel(reason);
  }

  #begin(): RunningTask {
    this.#count++;
    return (current.task = this.#task = new RunningTask());
  }

  async #call(args: readonly unknown[]): Promise<void> {
    this.#begin();
    let answer: Answer;
    try {
      const value = await this.#run(...args);
      if (isGenerator(value)) throw new TypeError(`${this.#name} is a generator: call it by the pool's stream()`);
      answer = [VALUE, value];
    } catch (error) {
      answer = [ERROR, portableError(error)];
    }
    this.#end(answer);
  }

  async #stream(args: readonly unknown[]): Promise<void> {
    const task = this.#begin();
    let turn = performance.now();
    let answer: Answer;
    try {
      for await (const item of itemsOf(await this.#run(...args), this.#name)) {
        if (task.isCancelled) break;
        // It waits while the channel is full, which it is when the items aren't taken.
        await this.#channel.put([ITEM, item]);
        if (performance.now() - turn > LONGEST_TURN) turn = await nextTurn();
        // Nobody asks for another one, so it is left where it is, and its `finally` is run.
        if (task.isCancelled) break;
      }
      answer = [VALUE, undefined];
    } catch (error) {
      answer = [ERROR, portableError(error)];
    }
    this.#end(answer);
  }

  #end(answer: Answer): void {
    current.task = this.#task = undefined;
    const isLarge = this.#maxRss !== undefined && process.memoryUsage.rss() > this.#maxRss;
    const last: Answer = isLarge ? [answer[0] as typeof VALUE, answer[1], true] : answer;
    try {
      putNow(this.#channel, last);
    } catch (error) {
      // Nobody is there to be told: the end of the channel says so, too.
      if (error instanceof BrokenPipeError || error instanceof ClosedError) return;
      // A result that can't be sent is the task's failure, and no reason for the worker to end.
      putNow(this.#channel, [ERROR, portableError(error), isLarge]);
    }
  }
}

async function nextTurn(): Promise<number> {
  await new Promise((resolve) => setImmediate(resolve));
  return performance.now();
}

function isGenerator(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('next' in value)) return false;
  return typeof value.next === 'function' && (Symbol.asyncIterator in value || Symbol.iterator in value);
}

function itemsOf(value: unknown, name: string): AsyncIterable<unknown> | Iterable<unknown> {
  if (typeof value === 'object' && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value)) {
    return value as AsyncIterable<unknown> | Iterable<unknown>;
  }
  throw new TypeError(`${name} gives nothing to iterate over: make it a generator, or call it by the pool's run()`);
}

import { AsyncResource } from 'node:async_hooks';
import { DecodeError, EndOfStreamError, type Channel } from '@aiopipe/codec';
import { putNow, renamePath, serializeError, watchSends } from '@aiopipe/codec/internal';
import { BrokenPipeError, ClosedError, type ReadEnd } from '@aiopipe/core';
import { nextTurn, now, readContext, runInContext } from '@aiopipe/core/internal';
import { CALL, CANCEL, ERROR, HEARD, ITEM, READY, TAKEN, TARGET, VALUE, type Answer, type Ask } from './protocol.js';
import { LoadedTarget } from './loaded-targets.js';
import { Orders, type Order } from './orders.js';
import { deserializeError } from '../control/received-error.js';
import { loadFunction, target } from '../target/target.js';
import { setWorkerContext } from './worker-context.js';
import { current, RunningTask } from './task-signal.js';
import { workerTask, type WorkerTask } from './events.js';

/** The last answer to a task. */
type Done = Extract<Answer, readonly [kind: typeof VALUE | typeof ERROR, ...unknown[]]>;

const atLoad = new AsyncResource('aiopipe.worker');

/** Milliseconds after which a generator that never waits lets the loop go round, so that messages are heard. */
const LONGEST_TURN = 10;

/** Where a target is found. */
export interface TargetName {
  readonly url: string;
  readonly name: string;
}

/** What a worker is started with. */
export interface WorkerOrder {
  /** The target with number 0, if there is one: the worker loads it before it is ready. */
  readonly target: TargetName | undefined;
  readonly setup: TargetName | undefined;
  readonly teardown: TargetName | undefined;
  readonly maxRss: number | undefined;
}

/**
 * The function of a pool's workers: calls the pool's targets for its tasks, until the pool closes the channel. Monitors know a
 * worker from other children by this name.
 */
export const serve = target(
  import.meta.url,
  'aiopipe.worker',
  async (channel: Channel<Answer, Ask>, claims: ReadEnd, order: WorkerOrder): Promise<void> => {
    const { setup, teardown } = order;
    if (setup !== undefined) setWorkerContext(await (await loadFunction(setup.url, setup.name))());
    const own = order.target && new LoadedTarget(order.target.url, order.target.name);
    await own?.load();
    const service = new Service(channel, claims, own, order.maxRss);
    const unsent = endOfSends(channel);
    putNow(channel, [READY]);
    await Promise.race([service.follow(), unsent]);
    if (teardown !== undefined) await (await loadFunction(teardown.url, teardown.name))();
  },
);

/**
 * Settles if a send fails: the worker ends then, because the pool would wait for the message. Resolves if the pool has closed
 * the channel, and rejects otherwise.
 */
function endOfSends(channel: Channel<Answer, Ask>): Promise<void> {
  return new Promise((resolve, reject) => {
    watchSends(channel, (error) => {
      if (error instanceof BrokenPipeError) resolve();
      else reject(error);
    });
  });
}

/** Makes a call of a target, and publishes it if anything observes it. */
function traced<Result>(
  target: string,
  kind: WorkerTask['kind'],
  call: () => Result,
): Result | Promise<Awaited<Result>> {
  if (!workerTask.isObserved) return call();
  return workerTask.callAsync<Awaited<Result>>({ target, kind }, call as () => Awaited<Result>);
}

class Service {
  readonly #channel: Channel<Answer, Ask>;
  /** By their numbers. */
  readonly #targets: (LoadedTarget | undefined)[];
  readonly #maxRss: number | undefined;
  readonly #orders: Orders;
  #task: RunningTask | undefined;

  constructor(
    channel: Channel<Answer, Ask>,
    claims: ReadEnd,
    own: LoadedTarget | undefined,
    maxRss: number | undefined,
  ) {
    this.#channel = channel;
    this.#orders = new Orders(claims, (order) => {
      this.#begin(order);
    });
    this.#targets = [own];
    this.#maxRss = maxRss;
  }

  async follow(): Promise<void> {
    for (;;) {
      let ask: Ask | DecodeError;
      try {
        ask = await this.#channel.get();
      } catch (error) {
        if (error instanceof EndOfStreamError) return;
        if (!(error instanceof DecodeError) || error.fatal) throw error;
        // A task whose arguments cannot be built here. It is answered in its turn.
        ask = error;
      }
      if (ask instanceof DecodeError) this.#orders.add(ask);
      else if (ask[0] === CANCEL) this.#cancel(ask[1], ask[2]);
      else if (ask[0] === TAKEN) this.#forget();
      else if (ask[0] === TARGET) this.#targets[ask[1]] = new LoadedTarget(ask[2], ask[3]);
      else this.#orders.add(ask);
    }
  }

  #cancel(number: number, reason: Buffer): void {
    if (this.#task?.number === number) this.#task.cancel(deserializeError(reason));
  }

  /** Orders that were not claimed were taken back. */
  #forget(): void {
    this.#orders.forget();
    try {
      putNow(this.#channel, [HEARD]);
    } catch (error) {
      if (!(error instanceof BrokenPipeError || error instanceof ClosedError)) throw error;
    }
  }

  /** Each task begins in the context in which this module was loaded. It sees no context that another task has entered. */
  #begin(order: Order): void {
    atLoad.runInAsyncScope(() => {
      // AsyncLocalStorage.enterWith() changes the resource of the task: each one has its own.
      new AsyncResource('aiopipe.task').runInAsyncScope(this.#beginHere, this, order);
    });
  }

  #beginHere({ number, ask }: Order): void {
    const task = (current.task = this.#task = new RunningTask(number));
    if (ask instanceof DecodeError) {
      void this.#end([ERROR, number, serializeError(ask)]);
      return;
    }
    // The parent has named it before.
    const called = this.#targets[ask[2] ?? 0] as LoadedTarget;
    runInContext(readContext(ask[3]), () => {
      if (ask[0] === CALL) void this.#call(number, called, ask[1]);
      else void this.#stream(task, called, ask[1]);
    });
  }

  async #call(number: number, called: LoadedTarget, args: readonly unknown[]): Promise<void> {
    let answer: Done;
    try {
      const run = called.run ?? (await called.load());
      const value = await traced(called.name, 'run', () => run(...args));
      if (isGenerator(value)) throw new TypeError(`${called.name} is a generator: call it with the pool's stream()`);
      answer = [VALUE, number, value];
    } catch (error) {
      answer = [ERROR, number, serializeError(error)];
    }
    await this.#end(answer);
  }

  async #stream(task: RunningTask, called: LoadedTarget, args: readonly unknown[]): Promise<void> {
    let answer: Done;
    try {
      await traced(called.name, 'stream', () => this.#produce(task, called, args));
      answer = [VALUE, task.number, undefined];
    } catch (error) {
      answer = [ERROR, task.number, serializeError(error)];
    }
    await this.#end(answer);
  }

  /** Sends the items that the target yields. Resolves at their end. */
  async #produce(task: RunningTask, called: LoadedTarget, args: readonly unknown[]): Promise<void> {
    let turn = now();
    const run = called.run ?? (await called.load());
    for await (const item of itemsOf(await run(...args), called.name)) {
      if (task.isCancelled) break;
      // It waits while the channel is full, that is, while the items are not taken.
      try {
        await this.#channel.put([ITEM, task.number, item]);
      } catch (error) {
        throw renamePath(error, 'value[2]', 'item');
      }
      if (now() - turn > LONGEST_TURN) {
        await nextTurn();
        turn = now();
      }
      // No caller wants the next item: the generator ends here, and its `finally` is run.
      if (task.isCancelled) break;
    }
  }

  /** The answer is with the kernel before the next task begins, so that a death costs one task and no other. */
  async #end(answer: Done): Promise<void> {
    const isLarge = this.#maxRss !== undefined && process.memoryUsage.rss() > this.#maxRss;
    try {
      if (!this.#put(isLarge ? ([answer[0], answer[1], answer[2], true] as Done) : answer, isLarge))
        await this.#channel.drain();
    } catch (error) {
      // The worker ends: see endOfSends().
      if (error instanceof BrokenPipeError || error instanceof ClosedError) return;
      throw error;
    }
    current.task = this.#task = undefined;
    this.#orders.done();
  }

  #put(answer: Done, isLarge: boolean): boolean {
    try {
      return putNow(this.#channel, answer);
    } catch (error) {
      if (error instanceof BrokenPipeError || error instanceof ClosedError) throw error;
      // A result that cannot be sent is the task's failure. The worker goes on.
      return putNow(this.#channel, [
        ERROR,
        answer[1],
        serializeError(renamePath(error, 'value[2]', 'result')),
        isLarge,
      ]);
    }
  }
}

function isGenerator(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('next' in value)) return false;
  return typeof value.next === 'function' && (Symbol.asyncIterator in value || Symbol.iterator in value);
}

function itemsOf(value: unknown, name: string): AsyncIterable<unknown> | Iterable<unknown> {
  if (typeof value === 'object' && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value)) {
    return value as AsyncIterable<unknown> | Iterable<unknown>;
  }
  throw new TypeError(`${name} did not return an iterable: make it a generator, or call it with the pool's run()`);
}

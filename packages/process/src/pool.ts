import { availableParallelism } from 'node:os';
import { channel, QueueFullError, type Channel } from '@aiopipe/codec';
import { peerLeftUnread, putNow } from '@aiopipe/codec/internal';
import { ClosedError } from '@aiopipe/core';
import { ChildError } from './errors.js';
import { serve, type Outcome, type Task } from './pool-worker.js';
import { type ProcessOptions } from './process.js';
import { type ChildExited } from './supervisor-events.js';
import { type ChildSpec } from './supervisor-spec.js';
import { Supervisor } from './supervisor.js';
import { type Target } from './target.js';

/** How a pool behaves. */
export interface PoolOptions {
  /** Child processes; as many as there are cores unless given. */
  readonly size?: number | undefined;
  /** How often a task is given to another child when one dies at it, before it rejects. 0 unless given. */
  readonly retries?: number | undefined;
  /** Tasks that may wait for a child; one more rejects QueueFullError. 65536 unless given. */
  readonly queueLimit?: number | undefined;
  /** Deaths of children that are borne within `period`; at one more the pool gives up. 10 unless given. */
  readonly intensity?: number | undefined;
  /** Milliseconds. 5000 unless given. */
  readonly period?: number | undefined;
  /** How the children are started. */
  readonly options?: ProcessOptions | undefined;
}

interface Job {
  readonly args: readonly unknown[];
  retriesLeft: number;
  /** Whether all of it is with the kernel; until then no child can have begun with it. */
  wasSent: boolean;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

type Ended = Pick<ChildExited, 'id' | 'pid' | 'exitCode' | 'signalCode' | 'error' | 'willRestart'>;

/** One child's life. */
interface Worker {
  readonly tasks: Channel<Task, Outcome>;
  job: Job | undefined;
  /** Settles when everything that it answered has been taken. */
  drained: Promise<void>;
}

/**
 * Child processes that call one target for whoever asks, each one task at a time. A child that dies is replaced; the task
 * that it was at rejects ChildError, or is given to another one as often as `retries` says; no other task is touched.
 *
 * ```ts
 * await using pool = new Pool(hash, { size: 4 });
 * for await (const digest of pool.map(files)) console.log(digest);
 * ```
 */
export class Pool<Args extends readonly unknown[], Result> implements AsyncDisposable {
  readonly #target: Target<Args, Result>;
  readonly #supervisor: Supervisor;
  readonly #workers = new Map<string, Worker>();
  readonly #retries: number;
  readonly #queueLimit: number;
  readonly #size: number;
  #queue: Job[] = [];
  /** Queued, at a child, or between two children. */
  readonly #unsettled = new Set<Job>();
  #nextId = 0;
  #restarts = 0;
  /** Why no task is taken any more. */
  #refusal: Error | undefined;
  /** No child will do the tasks that there are. */
  #hasFailed = false;
  #whenIdle: (() => void)[] = [];

  /** Starts the children. */
  constructor(target: Target<Args, Result>, options: PoolOptions = {}) {
    const { size = availableParallelism(), retries = 0, queueLimit = 65_536, intensity = 10, period = 5000 } = options;
    if (!Number.isInteger(size) || size < 1)
      throw new TypeError(`size: expected a number of children, not ${String(size)}`);
    this.#target = target;
    this.#size = size;
    this.#retries = retries;
    this.#queueLimit = queueLimit;
    const specs = Array.from({ length: size }, (_, index) =>
      this.#spec(`${target.name}-${String(index + 1)}`, options),
    );
    this.#supervisor = new Supervisor(specs, { intensity, period });
    this.#supervisor.on('exited', (event) => void this.#replace(event));
    this.#supervisor.on('start-failed', (event) => void this.#replace({ ...event, exitCode: null, signalCode: null }));
    this.#supervisor.on('gave-up', ({ error }) => {
      this.#fail(error);
    });
    // It could not even start.
    this.#supervisor.finished.catch((error: unknown) => {
      this.#fail(error as Error);
    });
    void this.#supervisor.start();
  }

  #spec(id: string, { options }: PoolOptions): ChildSpec<[Channel<Outcome, Task>, string, string]> {
    const args = (): [Channel<Outcome, Task>, string, string] => {
      const [ours, theirs] = channel<Task, Outcome>({ duplex: true });
      this.#attach(id, ours);
      return [theirs, this.#target.url, this.#target.name];
    };
    return { id, target: serve, args, options };
  }

  /** How many children have been replaced. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Calls the target in a child; resolves to what it returns, or rejects with what it throws. */
  run(...args: Args): Promise<Result> {
    if (this.#refusal !== undefined) return Promise.reject(this.#refusal);
    if (this.#queue.length >= this.#queueLimit) {
      return Promise.reject(
        new QueueFullError(
          `${String(this.#queue.length)} tasks wait already (queueLimit): await some of them first, or use map(), which does`,
        ),
      );
    }
    return new Promise<Result>((resolve, reject) => {
      const job: Job = {
        args,
        retriesLeft: this.#retries,
        wasSent: false,
        resolve: resolve as (value: unknown) => void,
        reject,
      };
      this.#unsettled.add(job);
      this.#queue.push(job);
      this.#dispatch();
    });
  }

  /**
   * Calls the target for each item, at most `concurrency` at a time (two for each child unless given), and yields the
   * results in the order of the items. It takes items only as fast as results are taken.
   */
  async *map<Item>(
    this: Pool<readonly [Item], Result>,
    items: Iterable<Item> | AsyncIterable<Item>,
    options: { readonly concurrency?: number | undefined } = {},
  ): AsyncGenerator<Awaited<Result>, void, undefined> {
    const { concurrency = 2 * this.#size } = options;
    const window: Promise<Result>[] = [];
    for await (const item of items) {
      const result = this.run(item);
      // It may be long until its turn comes to be awaited.
      result.catch(() => undefined);
      window.push(result);
      if (window.length >= concurrency) yield await (window.shift() as Promise<Result>);
    }
    for (const result of window) yield await result;
  }

  /** Takes no more tasks, waits for those that there are, and ends the children. */
  async close(): Promise<void> {
    this.#refusal ??= new ClosedError('the pool is closed');
    if (this.#unsettled.size > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    await this.#stop();
  }

  /** Ends the children at once; tasks that are not done reject ClosedError. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#fail(new ClosedError('the pool was closed before this task was done'));
    await this.#stop();
  }

  async #stop(): Promise<void> {
    await this.#supervisor.stop();
    for (const { tasks } of this.#workers.values()) tasks[Symbol.dispose]();
  }

  #fail(error: Error): void {
    this.#refusal ??= error;
    this.#hasFailed = true;
    for (const job of this.#queue.splice(0)) this.#reject(job, error);
    for (const worker of this.#workers.values()) this.#reject(this.#takeJob(worker), error);
  }

  #attach(id: string, tasks: Channel<Task, Outcome>): void {
    const worker: Worker = { tasks, job: undefined, drained: Promise.resolve() };
    worker.drained = this.#follow(worker);
    this.#workers.set(id, worker);
    // A task is written to the channel now, and read as soon as the child has started.
    this.#dispatch();
  }

  async #follow(worker: Worker): Promise<void> {
    try {
      for await (const outcome of worker.tasks) {
        const job = this.#takeJob(worker);
        if ('error' in outcome) this.#reject(job, outcome.error);
        else this.#resolve(job, outcome.value);
        this.#dispatch();
      }
    } catch (error) {
      // What came could not be read: the task's result, then, and whoever sent such a thing can't go on.
      this.#reject(this.#takeJob(worker), error);
      worker.tasks[Symbol.dispose]();
    }
  }

  #takeJob(worker: Worker): Job | undefined {
    const { job } = worker;
    worker.job = undefined;
    return job;
  }

  #resolve(job: Job | undefined, value: unknown): void {
    job?.resolve(value);
    this.#forget(job);
  }

  #reject(job: Job | undefined, error: unknown): void {
    job?.reject(error);
    this.#forget(job);
  }

  #forget(job: Job | undefined): void {
    if (job !== undefined) this.#unsettled.delete(job);
    if (this.#unsettled.size === 0) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  #dispatch(): void {
    for (const worker of this.#workers.values()) {
      while (worker.job === undefined && !worker.tasks.isClosed) {
        const job = this.#queue.shift();
        if (job === undefined) return;
        this.#give(worker, job);
      }
    }
  }

  #give(worker: Worker, job: Job): void {
    try {
      // A child that is gone shows at its end, not here.
      putNow(worker.tasks, { id: this.#nextId++, args: job.args });
    } catch (error) {
      this.#reject(job, error);
      return;
    }
    worker.job = job;
    worker.tasks.drain().then(
      () => (job.wasSent = true),
      () => undefined,
    );
  }

  async #replace({ id, pid, exitCode, signalCode, error, willRestart }: Ended): Promise<void> {
    const worker = this.#workers.get(id);
    if (worker === undefined) return;
    this.#workers.delete(id);
    if (willRestart) this.#restarts++;
    await worker.drained;
    const wasRead = !peerLeftUnread(worker.tasks);
    worker.tasks[Symbol.dispose]();
    const job = this.#takeJob(worker);
    if (job === undefined) return;
    // What a child never had costs no retry: it was gone already, and we had not heard of it yet.
    const wasBegun = job.wasSent && wasRead;
    if (willRestart && !this.#hasFailed && (job.retriesLeft > 0 || !wasBegun)) {
      if (wasBegun) job.retriesLeft--;
      job.wasSent = false;
      this.#queue.unshift(job);
      this.#dispatch();
      return;
    }
    const how = signalCode === null ? `with exit code ${String(exitCode)}` : `by ${signalCode}`;
    this.#reject(
      job,
      new ChildError('ERR_AIOPIPE_NO_RESULT', `${id} (pid ${String(pid)}) ended ${how} while it was at this task`, {
        pid,
        exitCode,
        signalCode,
        cause: error,
      }),
    );
  }
}

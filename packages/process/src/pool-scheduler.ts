import { QueueFullError } from '@aiopipe/codec';
import { ClosedError, type WaitOptions } from '@aiopipe/core';
import { Pending, refuse } from '@aiopipe/core/internal';
import { ChildError, SupervisorError } from './errors.js';
import { type PoolSettings } from './pool-options.js';
import { Queue } from './pool-queue.js';
import { PoolCounts, type PoolStats } from './pool-stats.js';
import { type Task } from './pool-task.js';
import { Worker, type WorkerOwner } from './pool-worker.js';
import { RestartIntensity } from './supervisor-restarts.js';
import { type Target } from './target.js';

/** Tasks at a worker at once, where they are short. */
const AHEAD = 4;
/** Milliseconds that a short task takes at most. */
const SHORT = 1;
/** Milliseconds after which it is seen whether short tasks wait for one that isn't. */
const CARE = 2;

/** Which task goes to which worker, and how many workers there are. */
export class Scheduler implements WorkerOwner {
  readonly #target: Pick<Target, 'url' | 'name'>;
  readonly #settings: PoolSettings;
  readonly #restarts: RestartIntensity;
  readonly #queue = new Queue<Task>();
  /** Those that are there to work: starting, idle, or busy. */
  readonly #workers = new Set<Worker>();
  /** Who came last is next to work, so that the others stay idle long enough to be let go. */
  readonly #idle: Worker[] = [];
  /** Those that get no more tasks, until nothing of them is left. */
  readonly #leaving = new Set<Worker>();
  readonly #counts = new PoolCounts();
  #started = 0;
  /** Tasks that aren't settled. */
  #outstanding = 0;
  #whenDone: (() => void)[] = [];
  readonly #whenRoom = new Set<Pending<void>>();
  /** Milliseconds that the last task took. */
  #lastTime = Infinity;
  #careTimer: NodeJS.Timeout | undefined;
  #shrinkTimer: NodeJS.Timeout | undefined;
  /** Why no more tasks are taken. */
  #refusal: Error | undefined;
  /** Nor will those be done that there are. */
  #isOver = false;

  /** Starts the first workers. */
  constructor(target: Pick<Target, 'url' | 'name'>, settings: PoolSettings) {
    this.#target = target;
    this.#settings = settings;
    this.#restarts = new RestartIntensity(settings.intensity, settings.period);
    try {
      while (this.#workers.size < settings.min) this.#start();
    } catch (error) {
      void this.end(error as Error);
      throw error;
    }
  }

  get stats(): PoolStats {
    const workers = { starting: 0, idle: 0, busy: 0 };
    let running = 0;
    let ahead = 0;
    for (const { isReady, task, load } of this.#workers) {
      ahead += Math.max(load - 1, 0);
      workers[!isReady ? 'starting' : task === undefined ? 'idle' : 'busy']++;
      if (task?.isSettled === false) running++;
    }
    const { waitTimes, runTimes, ...counts } = this.#counts;
    const times = { waitTime: waitTimes.summary, runTime: runTimes.summary };
    return { workers, queued: this.#queue.length + ahead, running, ...counts, ...times };
  }

  /** Throws where no more tasks are taken, or too many wait. */
  submit(task: Task): void {
    if (this.#refusal !== undefined) throw this.#refusal;
    if (this.isFull) {
      throw new QueueFullError(
        `${String(this.#queue.length)} tasks wait already (queueLimit): await drain() before each call, or use map(), ` +
          'which waits by itself',
      );
    }
    if (this.#outstanding++ === 0) this.#hold(true);
    this.#queue.push(task);
    this.#dispatch();
  }

  /** How many workers there can be. */
  get size(): number {
    return this.#settings.max;
  }

  /** What a worker that is starting will take doesn't count. */
  get isFull(): boolean {
    const { queueLimit } = this.#settings;
    return this.#queue.length >= queueLimit && this.#queue.length >= queueLimit + this.#starting;
  }

  get #starting(): number {
    let count = 0;
    for (const { isReady } of this.#workers) if (!isReady) count++;
    return count;
  }

  /** Resolves when the queue has room. */
  async room(options?: WaitOptions): Promise<void> {
    const refusal = refuse(options) ?? this.#refusal;
    if (refusal !== undefined) throw refusal;
    if (!this.isFull) return;
    const pending = new Pending<void>(
      options,
      () => 'there was no room in the queue',
      () => this.#whenRoom.delete(pending),
    );
    this.#whenRoom.add(pending);
    await pending.promise;
  }

  #tellOfRoom(): void {
    if (this.#whenRoom.size === 0 || (this.isFull && this.#refusal === undefined)) return;
    for (const pending of this.#whenRoom) {
      if (this.#refusal === undefined) pending.resolve();
      else pending.reject(this.#refusal);
    }
    this.#whenRoom.clear();
  }

  /** Whoever called waits no longer. */
  cancel(task: Task, reason: unknown): void {
    if (task.isSettled) return;
    this.#counts.cancelled++;
    this.#settle(task);
    task.abandon();
    const { worker } = task;
    if (worker !== undefined) this.#takeBack(worker);
    if (task.worker !== undefined) task.worker.cancel(task, reason);
    else this.#queue.remove(task);
    if (worker?.load === 0 && this.#workers.has(worker)) this.free(worker);
    this.#tellOfRoom();
  }

  /** What it hasn't begun waits again, before all others. */
  #takeBack(worker: Worker): void {
    for (const task of worker.takeBack().reverse()) this.#queue.unshift(task);
  }

  #settle(task: Task): void {
    task.isSettled = true;
    if (--this.#outstanding > 0) return;
    this.#hold(false);
    for (const resolve of this.#whenDone.splice(0)) resolve();
  }

  /** @internal */
  begun(task: Task, time: number): void {
    this.#counts.waitTimes.add(time - task.calledAt);
  }

  /** @internal */
  succeeded(task: Task, value: unknown): void {
    if (task.isSettled) return;
    this.#counts.completed++;
    this.#settle(task);
    task.resolve(value);
  }

  /** @internal */
  failed(task: Task, error: unknown): void {
    if (task.isSettled) return;
    this.#counts.failed++;
    this.#settle(task);
    task.reject(error);
  }

  /** @internal */
  took(time: number): void {
    this.#counts.runTimes.add(time);
    this.#lastTime = time;
  }

  #dispatch(): void {
    while (this.#queue.length > 0 && this.#idle.length > 0) this.#employ(this.#idle.pop() as Worker);
    if (this.#queue.length > 0) this.#grow();
    if (this.#queue.length === 0 || this.#lastTime > SHORT) return;
    for (const worker of this.#workers) if (worker.isReady && worker.load < AHEAD) this.#feed(worker);
  }

  /** As many tasks as it may have at once, if there are as many. */
  #feed(worker: Worker): void {
    while (worker.load < this.#capacity(worker)) {
      const task = this.#queue.first;
      if (task === undefined || (worker.load > 0 && !task.canGoAhead)) break;
      this.#queue.remove(task);
      try {
        worker.give(task);
      } catch (error) {
        this.failed(task, task.loss === undefined ? error : unrepeatable(task.loss, error as Error));
      }
    }
    if (worker.load > 1) this.#lookAfter();
    this.#tellOfRoom();
  }

  /** Where tasks are short, the next ones are there before the one is done. */
  #capacity(worker: Worker): number {
    if (worker.load > 0 && !this.#isQuick(worker)) return 1;
    const ahead = this.#lastTime <= SHORT && this.#idle.length === 0 ? AHEAD : 1;
    return Math.min(ahead, this.#settings.maxTasks - worker.count + worker.load);
  }

  #isQuick({ isLarge, isClogged, busySince }: Worker): boolean {
    return !isLarge && !isClogged && performance.now() - busySince <= SHORT;
  }

  #employ(worker: Worker): void {
    this.#feed(worker);
    if (worker.load === 0) this.#rest(worker);
  }

  /** A task that was given ahead of time shall not wait for a long one while somebody else could do it. */
  #lookAfter(): void {
    this.#careTimer ??= setTimeout(() => {
      this.#careTimer = undefined;
      const now = performance.now();
      let isAhead = false;
      for (const worker of this.#workers) {
        if (worker.load > 1 && now - worker.busySince > SHORT) this.#takeBack(worker);
        isAhead ||= worker.load > 1;
      }
      this.#dispatch();
      if (isAhead) this.#lookAfter();
    }, CARE);
  }

  /** @internal */
  free(worker: Worker): void {
    if (worker.isLarge) this.#takeBack(worker);
    if (worker.load > 0) {
      this.#feed(worker);
      return;
    }
    if (worker.isLarge || worker.count >= this.#settings.maxTasks) this.#recycle(worker);
    else this.#employ(worker);
  }

  #rest(worker: Worker): void {
    this.#idle.push(worker);
    if (this.#settings.min === this.#settings.max) return;
    worker.idleSince = performance.now();
    this.#shrinkLater();
  }

  #recycle(worker: Worker): void {
    this.#counts.recycled++;
    this.#dismiss(worker);
    worker.retire();
    this.#refill();
  }

  #shrinkLater(): void {
    const [longest] = this.#idle;
    if (longest === undefined || this.#shrinkTimer !== undefined || this.#workers.size <= this.#settings.min) return;
    const delay = longest.idleSince + this.#settings.idleTimeout - performance.now();
    if (delay === Infinity) return;
    this.#shrinkTimer = setTimeout(
      () => {
        this.#shrinkTimer = undefined;
        this.#shrink();
      },
      Math.max(delay, 0),
    ).unref();
  }

  #shrink(): void {
    const since = performance.now() - this.#settings.idleTimeout;
    while (this.#workers.size > this.#settings.min) {
      const [longest] = this.#idle;
      if (longest === undefined || longest.idleSince > since) break;
      this.#dismiss(longest);
      longest.retire();
    }
    this.#shrinkLater();
  }

  /** One for each task that waits, as many as there may be. */
  #grow(): void {
    if (this.#workers.size >= this.#settings.max) return;
    let starting = this.#starting;
    while (this.#workers.size < this.#settings.max && starting++ < this.#queue.length) this.#tryToStart();
  }

  /** As many as there are to be at least, in place of those that went. */
  #refill(): void {
    while (!this.#isOver && this.#workers.size < this.#settings.min) this.#tryToStart();
    if (!this.#isOver && this.#queue.length > 0) this.#grow();
  }

  #tryToStart(): void {
    try {
      this.#start();
    } catch (error) {
      this.#giveUp('no worker can be started', error as Error);
    }
  }

  #start(): void {
    const { name, url } = this.#target;
    const prefix = this.#settings.options?.name ?? name;
    const worker = new Worker(`${prefix}-${String(++this.#started)}`, this, { ...this.#settings, url, target: name });
    this.#workers.add(worker);
    if (this.#outstanding === 0) this.#hold(false);
  }

  /** It gets no more tasks. */
  #dismiss(worker: Worker): void {
    this.#workers.delete(worker);
    this.#leaving.add(worker);
    const index = this.#idle.indexOf(worker);
    if (index >= 0) this.#idle.splice(index, 1);
  }

  /** @internal */
  overdue(worker: Worker): void {
    this.#counts.killed++;
    this.#takeBack(worker);
    this.#dismiss(worker);
    worker.kill();
    this.#refill();
    this.#dispatch();
  }

  /** @internal */
  ended(worker: Worker, error: Error | undefined): void {
    // Only what it had begun is lost with it.
    const rest = worker.takeBack();
    for (const task of rest.reverse()) {
      if (task.isSettled) continue;
      if (this.#isOver) this.failed(task, this.#refusal);
      else this.#queue.unshift(task);
    }
    const loss = worker.load === 0 ? undefined : worker.lossOf(error);
    this.#dismiss(worker);
    if (!worker.isLeaving) {
      this.#counts.restarts++;
      if (!this.#restarts.allowsOneMore()) this.#giveUp(this.#tooMany, error);
    }
    this.#refill();
    this.#dispatch();
    void this.#account(worker, loss);
  }

  /** Of the task that it was at, once all that it had sent was taken: the answer may be there. */
  async #account(worker: Worker, loss: ChildError | undefined): Promise<void> {
    await worker.drained;
    this.#leaving.delete(worker);
    const { task } = worker;
    if (loss === undefined || task === undefined || task.isSettled) return;
    if (this.#isOver || task.retriesLeft === 0 || !task.canRepeat) {
      this.failed(task, loss);
      return;
    }
    task.retriesLeft--;
    this.#counts.retried++;
    task.loss = loss;
    task.worker = undefined;
    this.#queue.unshift(task);
    this.#dispatch();
  }

  get #tooMany(): string {
    const { intensity, period } = this.#settings;
    return `more than ${String(intensity)} workers have died within ${String(period)} ms (intensity and period)`;
  }

  #giveUp(why: string, cause: Error | undefined): void {
    if (this.#isOver) return;
    const error = new SupervisorError('ERR_AIOPIPE_INTENSITY', `the pool of ${this.#target.name} gave up: ${why}`, {
      cause,
    });
    this.#fail(error, this.#workers);
  }

  #fail(error: Error, losers: Iterable<Worker>): void {
    this.#refusal ??= error;
    this.#isOver = true;
    for (let task = this.#queue.shift(); task !== undefined; task = this.#queue.shift()) this.failed(task, error);
    for (const worker of losers) for (const task of worker.tasks) this.failed(task, error);
    this.#tellOfRoom();
    clearTimeout(this.#careTimer);
    clearTimeout(this.#shrinkTimer);
    for (const worker of this.#workers) {
      this.#dismiss(worker);
      worker.terminate();
    }
  }

  /** Takes no more tasks, waits for those that there are, and ends the workers. */
  async close(): Promise<void> {
    this.#refusal ??= new ClosedError(`the pool of ${this.#target.name} is closed`);
    this.#tellOfRoom();
    if (this.#outstanding > 0) await new Promise<void>((resolve) => this.#whenDone.push(resolve));
    this.#isOver = true;
    clearTimeout(this.#careTimer);
    clearTimeout(this.#shrinkTimer);
    for (const worker of this.#workers) {
      this.#dismiss(worker);
      // Where a cancelled task goes on, nobody waits for that.
      if (worker.load === 0) worker.retire();
      else worker.terminate();
    }
    await this.#gone();
  }

  /** Ends the workers at once; tasks that are not done reject with this. */
  async end(error: Error): Promise<void> {
    this.#fail(error, [...this.#workers, ...this.#leaving]);
    await this.#gone();
  }

  async #gone(): Promise<void> {
    await Promise.all([...this.#leaving].map(({ ended }) => ended));
  }

  /** Whether the workers keep this process alive. Those that aren't daemons do so always. */
  #hold(isHeld: boolean): void {
    if (this.#settings.options?.daemon !== true) return;
    for (const worker of this.#workers) worker.hold(isHeld);
  }
}

/** A task was lost with its worker, and what it was called with can't be sent once more. */
function unrepeatable(loss: ChildError, cause: Error): ChildError {
  const { pid, exitCode, signalCode } = loss;
  return new ChildError(
    'ERR_AIOPIPE_NO_RESULT',
    `${loss.message}; it can't be given to another worker, for its arguments can't be sent again: ${cause.message}`,
    { pid, exitCode, signalCode, cause },
  );
}

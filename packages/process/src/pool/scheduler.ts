import { AsyncResource } from 'node:async_hooks';
import { QueueFullError } from '@aiopipe/codec';
import { ClosedError, SystemError, type WaitOptions } from '@aiopipe/core';
import { clearTimeout, now, Pending, refuse, setTimeout } from '@aiopipe/core/internal';
import { reasonOf } from '../failure/describe.js';
import { ChildError, SupervisorError } from '../errors.js';
import { Crew } from './crew.js';
import { type PoolSettings } from './options.js';
import { Queue } from './queue.js';
import { PoolCounts, type PoolStats } from './stats.js';
import { type Task } from './task.js';
import { startChild } from './link.js';
import { type Worker, type WorkerOwner } from './worker.js';
import { type Target } from '../target/target.js';
import { UnheardTasks } from './unheard-tasks.js';

/** Tasks at a worker at once, where they are short. */
const AHEAD = 4;
/** Milliseconds that a short task takes at most. */
const SHORT = 1;
/** Milliseconds after which it is seen whether short tasks wait for one that isn't. */
const CARE = 2;

/** Which task goes to which worker, and what becomes of it. */
export class Scheduler implements WorkerOwner {
  readonly name: string;
  /** What serves more than one caller runs in the pool's own context, and not in that of the caller who set it off. */
  readonly #context = new AsyncResource('aiopipe.pool');
  /** Called with errors of tasks that nothing has looked at. */
  readonly tellUnheard: (error: unknown) => void;
  readonly #settings: PoolSettings;
  readonly #crew: Crew;
  readonly #queue = new Queue<Task>();
  readonly #counts = new PoolCounts();
  /** Tasks that aren't settled. */
  #outstanding = 0;
  #whenDone: (() => void)[] = [];
  readonly #whenRoom = new Set<Pending<void>>();
  /** Milliseconds that the last task took. */
  #lastTime = Infinity;
  #careTimer: NodeJS.Timeout | undefined;
  /** Makes the error of a call that asks for one task more, from when on none is taken: each caller gets its own. */
  #refusal: (() => Error) | undefined;
  /** Nor will those be done that there are. */
  #isOver = false;

  /** Starts the first workers. */
  constructor(target: Pick<Target, 'url' | 'name'>, settings: PoolSettings, start = startChild) {
    this.name = target.name;
    const unheard = new UnheardTasks(target.name);
    this.tellUnheard = (error) => {
      unheard.add(error);
    };
    this.#settings = settings;
    this.#crew = new Crew(target, settings, this, (...link) =>
      this.#context.runInAsyncScope(start, undefined, ...link),
    );
    try {
      this.#crew.refill();
    } catch (error) {
      void this.end(() => error as Error);
      throw error;
    }
  }

  get stats(): PoolStats {
    const workers = { starting: 0, idle: 0, busy: 0 };
    let running = 0;
    let ahead = 0;
    for (const { isReady, task, load } of this.#crew.workers) {
      ahead += Math.max(load - 1, 0);
      workers[!isReady ? 'starting' : task === undefined ? 'idle' : 'busy']++;
      if (task?.isSettled === false) running++;
    }
    const { waitTimes, runTimes, ...counts } = this.#counts;
    const times = { waitTime: waitTimes.summary, runTime: runTimes.summary };
    return { workers, queued: this.#queue.length + ahead, running, ...counts, ...times };
  }

  /** Throws where no more tasks are taken, or too many wait. To be asked before a task is made: one that is, is submitted. */
  assertRoom(): void {
    if (this.#refusal !== undefined) throw this.#refusal();
    if (!this.isFull) return;
    throw new QueueFullError(
      `${String(this.#queue.length)} tasks wait already (queueLimit): await drain() before each call, or use map(), ` +
        'which waits by itself',
    );
  }

  submit(task: Task): void {
    if (this.#outstanding++ === 0) this.#crew.hold(true);
    this.#queue.push(task);
    if (this.#queue.length === 1) this.#dispatch();
    else this.#dispatchInContext();
  }

  #dispatchInContext(): void {
    this.#context.runInAsyncScope(this.#dispatch, this);
  }

  /** How many workers there can be. */
  get size(): number {
    return this.#settings.max;
  }

  /** What a worker that is starting will take doesn't count. */
  get isFull(): boolean {
    const { queueLimit } = this.#settings;
    return this.#queue.length >= queueLimit && this.#queue.length >= queueLimit + this.#crew.starting;
  }

  /** Resolves when the queue has room. */
  async room(options?: WaitOptions): Promise<void> {
    const refusal = refuse(options) ?? this.#refusal?.();
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
      else pending.reject(this.#refusal());
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
    if (worker?.load === 0 && this.#crew.workers.has(worker)) this.#context.runInAsyncScope(this.free, this, worker);
    this.#tellOfRoom();
  }

  /** What it hasn't begun waits again, in the order of the calls. */
  #takeBack(worker: Worker): void {
    for (const task of worker.takeBack().reverse()) {
      task.takenBack++;
      this.#queue.putBack(task);
    }
  }

  #settle(task: Task): void {
    task.isSettled = true;
    if (--this.#outstanding > 0) return;
    this.#crew.hold(false);
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
    while (this.#queue.length > 0) {
      const worker = this.#crew.takeIdle();
      if (worker === undefined) break;
      this.#employ(worker);
    }
    this.#staff();
    if (this.#queue.length === 0 || this.#lastTime > SHORT) return;
    for (const worker of this.#crew.workers) if (worker.isReady && worker.load < AHEAD) this.#feed(worker);
  }

  /** As many workers as the tasks that wait need. */
  #staff(): void {
    if (this.#isOver) return;
    try {
      this.#crew.refill();
      if (this.#queue.length > 0) this.#crew.grow(this.#queue.length);
    } catch (error) {
      // Those that there are go on, and it is tried again for the next task.
      if (this.#crew.workers.size === 0) this.#giveUp('no worker can be started', error as Error);
    }
  }

  /** As many tasks as it may have at once, if there are as many. */
  #feed(worker: Worker): void {
    while (worker.load < this.#capacity(worker)) {
      const task = this.#queue.first;
      // One that could not be taken back alone stands before no other, nor behind one.
      if (task === undefined || (worker.load > 0 && !(task.canGoAhead && worker.task?.canGoAhead))) break;
      this.#queue.remove(task);
      try {
        if (worker.give(task)) continue;
      } catch (error) {
        this.failed(task, task.loss === undefined ? error : unrepeatable(task.loss, error as Error));
        continue;
      }
      this.#queue.putBack(task);
      break;
    }
    if (worker.load > 1 || this.#crew.hasPromptIdle) this.#lookAfter();
    this.#tellOfRoom();
  }

  /** Where tasks are short, the next ones are there before the one is done. */
  #capacity(worker: Worker): number {
    if (worker.load > 0 && !this.#isQuick(worker)) return 1;
    const ahead = this.#lastTime <= SHORT && !worker.isBehind && !this.#crew.hasIdle ? AHEAD : 1;
    return Math.min(ahead, this.#settings.maxTasks - worker.count + worker.load);
  }

  #isQuick({ isLarge, isClogged, isBehind, busySince }: Worker): boolean {
    return !isLarge && !isClogged && !isBehind && now() - busySince <= SHORT;
  }

  #employ(worker: Worker): void {
    this.#feed(worker);
    if (worker.load > 0) return;
    this.#crew.rest(worker);
    if (this.#outstanding > 0) this.#lookAfter();
  }

  /** A task must not wait for a long one, or for a worker that is slow to begin, while another worker could do it. */
  #lookAfter(): void {
    this.#careTimer ??= this.#context.runInAsyncScope(
      setTimeout,
      undefined,
      () => {
        this.#careTimer = undefined;
        const time = now();
        let isWaiting = false;
        for (const worker of this.#crew.workers) {
          if (this.#mayWait(worker) && time - worker.busySince > this.#patience(worker)) {
            this.#takeBack(worker);
            if (worker.load === 0) this.#crew.rest(worker);
          }
          isWaiting ||= this.#mayWait(worker);
        }
        this.#dispatch();
        if (isWaiting) this.#lookAfter();
      },
      CARE,
    );
  }

  /** Whether it has a task that it may not have begun, and that another worker could begin with. */
  #mayWait(worker: Worker): boolean {
    if (worker.load > 1) return true;
    return !worker.hasBegun && this.#crew.hasPromptIdle && worker.task?.canGoAhead === true;
  }

  /** Milliseconds. Each time a task was taken back it stays longer with the next one, so that slow workers get to it. */
  #patience({ load, task }: Worker): number {
    return load > 1 || task === undefined ? SHORT : SHORT * 2 ** Math.min(task.takenBack, 12);
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

  #recycle(worker: Worker): void {
    this.#counts.recycled++;
    this.#crew.dismiss(worker);
    worker.retire();
    this.#staff();
  }

  /** @internal */
  overdue(worker: Worker): void {
    this.#takeBack(worker);
    // What it has begun beside that is somebody's: then it is done with what was cancelled, and its answer on its way.
    if (worker.tasks.every(({ isSettled }) => isSettled)) {
      this.#counts.killed++;
      this.#crew.dismiss(worker);
      worker.kill();
    }
    this.#dispatch();
  }

  /** @internal */
  caughtUp(worker: Worker): void {
    this.#crew.moveUp(worker);
    if (this.#outstanding > 0) this.#lookAfter();
  }

  /** @internal */
  broke(worker: Worker): void {
    this.#crew.dismiss(worker);
    this.#giveBack(worker, worker.brokenBy);
    this.#dispatch();
  }

  /** @internal */
  ended(worker: Worker, error: Error | undefined): void {
    this.#crew.dismiss(worker);
    this.#giveBack(worker, error);
    if (!worker.isLeaving) {
      this.#counts.restarts++;
      if (!this.#crew.bearsOneMore()) this.#giveUp(this.#crew.tooMany, worker.brokenBy ?? error);
    }
    this.#dispatch();
  }

  /** What it had not begun costs nothing: other workers do it, if it can be sent again. */
  #giveBack(worker: Worker, error: Error | undefined): void {
    for (const task of worker.takeBack().reverse()) {
      if (task.isSettled) {
        task.workerLeft();
        continue;
      }
      task.loss = error instanceof SystemError ? error : worker.lossOf(task);
      if (this.#isOver) this.failed(task, this.#refusal?.());
      else this.#queue.putBack(task);
    }
  }

  /** @internal */
  gone(worker: Worker): void {
    this.#crew.forget(worker);
    // One that does as it is told has begun with one of them; any other one may have claimed or answered the rest.
    for (const task of worker.tasks) if (!task.isSettled) this.#lost(task, worker.lossOf(task));
    this.#dispatch();
  }

  /** Its worker had begun with it, or may have. */
  #lost(task: Task, loss: ChildError): void {
    if (this.#isOver || task.retriesLeft === 0 || !task.canRepeat) {
      this.failed(task, loss);
      return;
    }
    task.retriesLeft--;
    this.#counts.retried++;
    task.loss = loss;
    task.worker = undefined;
    this.#queue.putBack(task);
  }

  #giveUp(why: string, cause: Error | undefined): void {
    if (this.#isOver) return;
    const last = cause === undefined ? '' : `; the last one: ${reasonOf(cause)}`;
    const message = `the pool of ${this.name} gave up: ${why}${last}`;
    this.#fail(() => new SupervisorError('ERR_AIOPIPE_INTENSITY', message, { cause }), this.#crew.workers);
  }

  #fail(makeError: () => Error, losers: Iterable<Worker>): void {
    this.#refusal ??= makeError;
    this.#isOver = true;
    for (let task = this.#queue.shift(); task !== undefined; task = this.#queue.shift()) this.failed(task, makeError());
    for (const worker of losers) for (const task of worker.tasks) this.failed(task, makeError());
    this.#tellOfRoom();
    clearTimeout(this.#careTimer);
    this.#crew.end((worker) => {
      worker.terminate();
    });
  }

  /** Takes no more tasks, waits for those that there are, and ends the workers. */
  async close(): Promise<void> {
    this.#refusal ??= () => new ClosedError(`the pool of ${this.name} is closed`);
    this.#tellOfRoom();
    if (this.#outstanding > 0) await new Promise<void>((resolve) => this.#whenDone.push(resolve));
    this.#isOver = true;
    clearTimeout(this.#careTimer);
    this.#crew.end((worker) => {
      // Where a cancelled task goes on, nobody waits for that.
      if (worker.load === 0) worker.retire();
      else worker.terminate();
    });
    await this.#crew.gone();
  }

  /** Ends the workers at once; tasks that are not done reject with this. */
  async end(makeError: () => Error): Promise<void> {
    this.#fail(makeError, [...this.#crew.workers, ...this.#crew.leaving]);
    await this.#crew.gone();
  }
}

/** A task was lost with its worker, and what it was called with can't be sent once more. */
function unrepeatable(loss: ChildError | SystemError, cause: Error): Error {
  // It was this one that could not be sent.
  if (loss instanceof SystemError) return loss;
  const { pid, exitCode, signalCode } = loss;
  return new ChildError(
    'ERR_AIOPIPE_NO_RESULT',
    `${loss.message}; it can't be given to another worker, for its arguments can't be sent again: ${cause.message}`,
    { pid, exitCode, signalCode, cause },
  );
}

/**
 * The scheduler owns the tasks and their states. A task's way through a pool, and the files that know it:
 *
 *     run() → Scheduler → Backlog → Dispatcher → Slot → Worker → child   calls, map · backlog · dispatcher · slot · worker
 *     run() ←  Outcomes ← Scheduler ← heard, broke, ended, gone ← Worker ← child
 *
 * A Worker is transport and life only. It calls back in four ways: `heard` (a message), `broke` (a send or receive failed),
 * `ended` (the process), `gone` (nothing more is heard). A Slot is the record of one worker: its tasks, and what it may say
 * next. The Dispatcher chooses, Outcomes settle each task once, LostTasks decides about the tasks of a lost worker, Admission refuses
 * tasks that are too many, Shutdown ends it all.
 *
 * @module
 */
import { AsyncResource } from 'node:async_hooks';
import { DecodeError } from '@aiopipe/codec';
import { now } from '@aiopipe/core/internal';
import { Admission } from './admission.js';
import { Backlog } from './backlog.js';
import { deserializeError } from '../control/received-error.js';
import { Dispatcher } from './dispatcher.js';
import { LostTasks } from './lost-tasks.js';
import { type PoolPublisher } from './events.js';
import { type PoolSettings } from './options.js';
import { MemoryWatch } from './memory-watch.js';
import { Outcomes } from './outcomes.js';
import { ERROR, HEARD, ITEM, READY, STREAM, VALUE } from '../worker/protocol.js';
import { Shutdown } from './shutdown.js';
import { Slot, type SlotOwner } from './slot.js';
import { Slots } from './slots.js';
import { isShortage } from './start-delay.js';
import { summarize, type PoolStats } from './stats.js';
import { Targets } from './targets.js';
import { type Task } from './task.js';
import { UnheardTasks } from './unheard-tasks.js';
import { type TargetName } from '../worker/serve.js';
import { workerInfo, type WorkerInfo } from './worker-info.js';
import { startWorker, type Worker, type WorkerSettings, type WorkerOwner } from './worker.js';

const nameOf = (target: TargetName | undefined) => target && { url: target.url, name: target.name };

/** Names a pool in messages. */
function titleOf(target: TargetName | undefined, { options }: PoolSettings): string {
  if (target !== undefined) return `the pool of ${target.name}`;
  return options?.name === undefined ? 'the pool of several targets' : `the pool ${options.name}`;
}

/** Takes tasks, and settles each one once. */
export class Scheduler {
  /** The pool, in messages. */
  readonly title: string;
  readonly targets: Targets;
  /** Called with errors of tasks that nothing has looked at. */
  readonly tellUnheard: (error: unknown) => void;
  readonly admission: Admission;
  readonly #settings: PoolSettings;
  /** Work for more than one caller runs in this context, not in the context of the caller that caused it. */
  readonly #context = new AsyncResource('aiopipe.pool');
  readonly #backlog = new Backlog();
  readonly #slots: Slots;
  readonly #outcomes: Outcomes;
  readonly #dispatcher: Dispatcher;
  readonly #lost: LostTasks;
  readonly #shutdown: Shutdown;
  readonly #events: PoolPublisher;

  /** Starts the first workers. Throws if one cannot be started. */
  constructor(target: TargetName | undefined, settings: PoolSettings, events: PoolPublisher, start = startWorker) {
    this.title = titleOf(target, settings);
    this.targets = new Targets(target);
    this.#settings = settings;
    this.#events = events;
    const unheard = new UnheardTasks(this.title);
    this.tellUnheard = (error) => {
      unheard.add(error);
    };
    const { spin, options, maxRss, setup, teardown } = settings;
    const order = { target: nameOf(target), setup: nameOf(setup), teardown: nameOf(teardown), maxRss };
    const publishLine: WorkerSettings['onOutput'] = (worker, stream, line) => {
      events.publish({ worker }, { type: 'output', stream, line });
    };
    const onOutput = settings.output === 'events' ? publishLine : undefined;
    const workerSettings = { spin, options, order, onOutput };
    const open = (workerName: string) => this.#open((owner) => start(workerName, workerSettings, owner));
    const tryAgain = () => {
      this.#context.runInAsyncScope(this.#dispatcher.dispatch, this.#dispatcher);
    };
    const backlog = this.#backlog;
    const slots = (this.#slots = new Slots(target?.name ?? 'worker', settings, backlog, open, tryAgain));
    const { memoryInterval: interval } = settings;
    const memoryWatch =
      maxRss === undefined || interval === undefined
        ? undefined
        : new MemoryWatch({ bytes: maxRss, interval }, slots.active);
    const outcomes = (this.#outcomes = new Outcomes((isHeld) => {
      slots.hold(isHeld);
      memoryWatch?.run(isHeld);
    }));
    const admission = (this.admission = new Admission(this.title, settings.queueLimit, backlog, slots));
    const giveUp: Shutdown['giveUp'] = (why, cause) => {
      this.#shutdown.giveUp(why, cause);
    };
    const shared = { backlog, outcomes, admission };
    const dispatcher = new Dispatcher({ ...shared, settings, slots, context: this.#context, giveUp });
    this.#dispatcher = dispatcher;
    this.#lost = new LostTasks({ ...shared, dispatcher, events });
    this.#shutdown = new Shutdown({ ...shared, title: this.title, dispatcher, slots, events });
    try {
      slots.refill();
    } catch (error) {
      void this.#shutdown.end(() => error as Error);
      throw error;
    }
  }

  /** The four calls that lead back from a worker are these. */
  #open(start: (owner: WorkerOwner) => Worker): Slot {
    const owner: WorkerOwner = {
      heard: (message) => this.#heard(slot, message),
      broke: (error) => {
        slot.break(error);
      },
      ended: (error) => {
        this.#ended(slot, error);
      },
      gone: () => {
        this.#gone(slot);
      },
    };
    const slot: Slot = new Slot(this.#context.runInAsyncScope(start, undefined, owner), this.#slotOwner);
    return slot;
  }

  get #slotOwner(): SlotOwner {
    return {
      cancelGrace: this.#settings.cancelGrace,
      broke: (slot) => {
        this.#slots.dismiss(slot);
        this.#lost.giveBack(slot, slot.brokenBy);
        this.#dispatcher.dispatch();
      },
      overdue: (slot) => {
        this.#overdue(slot);
      },
    };
  }

  get stats(): PoolStats {
    return summarize(this.#outcomes.counts, this.#slots.active, this.#backlog.length);
  }

  get workers(): readonly WorkerInfo[] {
    const time = now();
    return [...this.#slots.active, ...this.#slots.leaving].map((slot) => workerInfo(slot, time));
  }

  /** How many workers there can be. */
  get size(): number {
    return this.#settings.max;
  }

  submit(task: Task): void {
    this.#outcomes.add();
    this.#backlog.push(task);
    if (this.#backlog.length === 1) this.#dispatcher.dispatch();
    else this.#context.runInAsyncScope(this.#dispatcher.dispatch, this.#dispatcher); // others may be sent first
  }

  /** The caller no longer waits. */
  cancel(task: Task, reason: unknown): void {
    if (task.isSettled) return;
    this.#outcomes.cancel(task, reason);
    const slot = task.isGiven ? this.#slots.find(task) : undefined;
    if (slot !== undefined) this.#dispatcher.takeBack(slot);
    if (slot !== undefined && task.isGiven) slot.cancel(task, reason);
    else this.#backlog.remove(task);
    if (slot?.load === 0 && this.#slots.active.has(slot)) {
      this.#context.runInAsyncScope(this.#dispatcher.free, this.#dispatcher, slot);
    }
    this.admission.update();
  }

  #heard(slot: Slot, message: unknown): Promise<void> | undefined {
    if (slot.brokenBy !== undefined) return undefined;
    if (message instanceof DecodeError) return this.#heardUnreadable(slot, message);
    const answer = slot.read(message);
    switch (answer?.[0]) {
      case READY:
        this.#slots.started(slot);
        this.#events.publish(slot, { type: 'worker-started' });
        this.#free(slot);
        break;
      case HEARD:
        if (slot.caughtUp()) this.#dispatcher.caughtUp(slot);
        break;
      case ITEM:
        return slot.task?.offer(answer[2]);
      case VALUE:
        this.#answered(slot, undefined, answer[3] === true, answer[2]);
        break;
      case ERROR:
        this.#answered(slot, deserializeError(answer[2]), answer[3] === true);
    }
    return undefined;
  }

  #heardUnreadable(slot: Slot, error: DecodeError): undefined {
    const { task } = slot;
    if (task === undefined) return slot.unreadable(error);
    if (task.kind !== STREAM) {
      this.#answered(slot, error, false);
      return undefined;
    }
    // It was an item.
    this.#outcomes.fail(task, error);
    slot.cancel(task, error);
    return undefined;
  }

  /** The worker is done with the task that it was at. */
  #answered(slot: Slot, error: unknown, isLarge: boolean, ...result: readonly unknown[]): void {
    const task = slot.task as Task;
    const time = now();
    this.#dispatcher.took(time - slot.busySince);
    const next = slot.finish(time, isLarge);
    if (result.length === 0) this.#outcomes.fail(task, error, true);
    else this.#outcomes.succeed(task, result[0]);
    task.workerLeft();
    if (next !== undefined) this.#dispatcher.begun(next, slot);
    this.#free(slot);
  }

  /** Items of a stream that were taken late are heard after their worker's end. */
  #free(slot: Slot): void {
    if (slot.leavesWhenFree && !slot.isLeaving && !slot.isOver) slot.retire('closed');
    else if (!slot.isLeaving && !slot.isOver) this.#dispatcher.free(slot);
  }

  #overdue(slot: Slot): void {
    this.#dispatcher.takeBack(slot);
    // If the worker has begun another task, the answer to the cancelled one is on its way.
    if (slot.tasks.every(({ isSettled }) => isSettled)) {
      this.#outcomes.counts.killed++;
      this.#slots.dismiss(slot);
      slot.kill('cancelled');
    }
    this.#dispatcher.dispatch();
  }

  #ended(slot: Slot, error: Error | undefined): void {
    slot.end(error);
    const { endReason: reason, count: tasks } = slot;
    this.#events.publish(slot, {
      type: 'worker-ended',
      reason,
      error: slot.brokenBy ?? error,
      tasks,
      ...slot.worker.exit,
    });
    this.#slots.dismiss(slot);
    this.#lost.giveBack(slot, error);
    if (reason === 'memory') this.#outcomes.counts.recycled++;
    if (!slot.isLeaving) {
      this.#outcomes.counts.restarts++;
      if (!slot.isReady && isShortage(error)) this.#dispatcher.couldNotStart(error as Error);
      else if (slot.load === 0) this.#countDeath(slot);
      else slot.mayCount = true;
    }
    this.#dispatcher.dispatch();
  }

  #gone(slot: Slot): void {
    // A task that kills its workers uses up its own retries first. It does not end the pool for the others.
    const isRetried = this.#lost.retryOrFail(slot);
    if (slot.mayCount && !isRetried) this.#countDeath(slot);
    this.#slots.forget(slot);
    this.#dispatcher.dispatch();
  }

  #countDeath(slot: Slot): void {
    const tooMany = this.#slots.countDeath(slot);
    if (tooMany !== undefined) this.#shutdown.giveUp(tooMany, slot.failure);
  }

  /** See {@link Shutdown.close}. */
  close(timeout?: number): Promise<void> {
    return this.#shutdown.close(timeout);
  }

  /** See {@link Shutdown.end}. */
  end(makeError: () => Error): Promise<void> {
    return this.#shutdown.end(makeError);
  }
}

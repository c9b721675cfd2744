import { type AsyncResource } from 'node:async_hooks';
import { SystemError } from '@aiopipe/core';
import { clearTimeout, now, setTimeout } from '@aiopipe/core/internal';
import { type Backlog } from './backlog.js';
import { type Admission } from './admission.js';
import { ChildError } from '../errors.js';
import { type PoolSettings } from './options.js';
import { type Outcomes } from './outcomes.js';
import { AHEAD, type Slot } from './slot.js';
import { type Slots } from './slots.js';
import { isShortage } from './start-delay.js';
import { type Task } from './task.js';

/** Milliseconds that a short task takes at most. */
const SHORT = 1;
/** Milliseconds between two looks for tasks that wait behind a long one. */
const REBALANCE_INTERVAL = 2;

/** The parts that a {@link Dispatcher} uses. */
export interface DispatcherParts {
  readonly settings: PoolSettings;
  readonly backlog: Backlog;
  readonly slots: Slots;
  readonly outcomes: Outcomes;
  readonly admission: Admission;
  /** The pool's own, for what serves more than one caller. */
  readonly context: AsyncResource;
  /** No worker can be started. */
  giveUp(why: string, cause: Error): void;
}

/** Decides which task goes to which worker, and takes tasks back that wait behind a long one. */
export class Dispatcher {
  readonly #parts: DispatcherParts;
  /** Milliseconds that the last task took. */
  #lastTime = Infinity;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
  }

  /** The pool ends: tasks are given to no worker, and no worker is started. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** A task was answered that took so many milliseconds. */
  took(time: number): void {
    this.#parts.outcomes.counts.runTimes.add(time);
    this.#lastTime = time;
  }

  /** A worker came to a task. */
  begun({ calledAt }: Task, { busySince }: Slot): void {
    this.#parts.outcomes.counts.waitTimes.add(busySince - calledAt);
  }

  /** Gives tasks to workers: to idle ones first, then ahead of time. */
  dispatch(): void {
    const { backlog, slots, admission } = this.#parts;
    while (backlog.first !== undefined) {
      const slot = slots.takeIdle(backlog.first);
      if (slot === undefined) break;
      this.#employ(slot);
    }
    if (backlog.bound > 0) this.#employOwners();
    this.#staff();
    if (backlog.length > 0 && this.#lastTime <= SHORT) {
      for (const slot of slots.active) if (slot.isReady && slot.load < AHEAD) this.#feed(slot);
    }
    admission.update();
  }

  /** Gives tasks to idle workers that have the keys of them. */
  #employOwners(): void {
    const { slots } = this.#parts;
    for (const slot of slots.active) {
      if (!slot.isIdle || slot.owner.first === undefined) continue;
      slots.removeIdle(slot);
      this.#employ(slot);
    }
  }

  /** Starts as many workers as the waiting tasks need. */
  #staff(): void {
    if (this.#isStopped) return;
    const { slots, backlog } = this.#parts;
    try {
      slots.refill();
      // More workers would not help tasks whose keys a worker has.
      if (backlog.first !== undefined) slots.grow(backlog.length - backlog.bound);
    } catch (error) {
      this.couldNotStart(error as Error);
    }
  }

  /** The workers that are there go on. A start that failed because of a shortage is tried again later. */
  couldNotStart(error: Error): void {
    const { slots, settings, giveUp } = this.#parts;
    if (!isShortage(error)) {
      if (slots.active.size === 0) giveUp('no worker can be started', error);
    } else if (!slots.failedToStart()) {
      giveUp(`more than ${String(settings.intensity)} starts of workers in a row have failed (intensity)`, error);
    }
  }

  /** Gives a worker as many tasks as it may have at once. */
  #feed(slot: Slot): void {
    const { backlog, slots, outcomes, admission } = this.#parts;
    while (slot.load < this.#capacity(slot)) {
      const task = backlog.firstFor(slot.owner);
      if (task === undefined || (slot.load > 0 && !mayFollow(task, slot))) break;
      backlog.take(task, slot.owner);
      try {
        if (!slot.give(task)) {
          backlog.putBack(task);
          break;
        }
      } catch (error) {
        outcomes.fail(task, task.loss === undefined ? error : unrepeatable(task.loss, error as Error));
        continue;
      }
      if (slot.load === 1) this.begun(task, slot);
    }
    if (slot.load > 1 || slots.hasPromptIdle) this.#rebalanceLater();
    admission.update();
  }

  /** How many tasks a worker may have. If tasks are short, the next ones are there before the first one is done. */
  #capacity(slot: Slot): number {
    if (slot.load > 0 && !isQuick(slot)) return 1;
    const { slots, settings } = this.#parts;
    const ahead = this.#lastTime <= SHORT && !slot.isBehind && !slots.hasIdle ? AHEAD : 1;
    return Math.min(ahead, settings.maxTasks - slot.count + slot.load);
  }

  #employ(slot: Slot): void {
    this.#feed(slot);
    if (slot.load > 0) return;
    this.#parts.slots.addIdle(slot);
    this.#parts.admission.update();
    if (this.#parts.outcomes.outstanding > 0) this.#rebalanceLater();
  }

  /** A worker has started, or has answered a task. */
  free(slot: Slot): void {
    if (slot.isLarge) this.takeBack(slot);
    if (slot.load > 0) this.#feed(slot);
    else if (slot.isLarge || slot.count >= this.#parts.settings.maxTasks) this.#recycle(slot);
    else this.#employ(slot);
  }

  #recycle(slot: Slot): void {
    this.#parts.outcomes.counts.recycled++;
    this.#parts.slots.dismiss(slot);
    slot.retire('recycled');
    this.dispatch();
  }

  /** A worker that was slow to begin has caught up. */
  caughtUp(slot: Slot): void {
    if (!slot.isIdle) return;
    this.#parts.slots.moveUp(slot);
    if (this.#parts.outcomes.outstanding > 0) this.#rebalanceLater();
  }

  /** Tasks that the worker has not begun wait again, in the order of their calls. */
  takeBack(slot: Slot): void {
    for (const task of slot.takeBack().reverse()) {
      task.takenBack++;
      this.#parts.backlog.putBack(task);
    }
  }

  /** No task waits for a long one, or for a worker that is slow to begin, while another worker could do it. */
  #rebalanceLater(): void {
    this.#timer ??= this.#parts.context.runInAsyncScope(
      setTimeout,
      undefined,
      () => {
        this.#timer = undefined;
        this.#rebalance();
      },
      REBALANCE_INTERVAL,
    );
  }

  #rebalance(): void {
    const { slots } = this.#parts;
    const time = now();
    let isWaiting = false;
    for (const slot of slots.active) {
      if (this.#mayWait(slot) && time - slot.busySince > longestWait(slot)) {
        this.takeBack(slot);
        if (slot.load === 0) slots.addIdle(slot);
      }
      isWaiting ||= this.#mayWait(slot);
    }
    this.dispatch();
    if (isWaiting) this.#rebalanceLater();
  }

  /** Whether the worker has a task that it may not have begun, and that another worker could begin. */
  #mayWait(slot: Slot): boolean {
    if (slot.load > 1) return true;
    const { hasBegun, task } = slot;
    return !hasBegun && this.#parts.slots.hasPromptIdle && task?.canGoAhead === true && task.lane === undefined;
  }
}

/**
 * Whether a task may wait behind another one at a worker. One that could not be taken back alone stands before no other task,
 * nor behind one. One with a new key goes to a worker that begins it at once.
 */
function mayFollow({ canGoAhead, lane }: Task, slot: Slot): boolean {
  return canGoAhead && slot.task?.canGoAhead === true && (lane === undefined || lane.owner === slot.owner);
}

function isQuick({ isLarge, isClogged, isBehind, busySince }: Slot): boolean {
  return !isLarge && !isClogged && !isBehind && now() - busySince <= SHORT;
}

/** Milliseconds. A task that was taken back stays twice as long with the next worker, so that slow ones get to it. */
function longestWait({ load, task }: Slot): number {
  return load > 1 || task === undefined ? SHORT : SHORT * 2 ** Math.min(task.takenBack, 12);
}

/** The error of a task that was lost with its worker, and whose arguments cannot be sent again. */
function unrepeatable(loss: ChildError | SystemError, cause: Error): Error {
  // This task was the one that could not be sent.
  if (loss instanceof SystemError) return loss;
  const { pid, exitCode, signalCode } = loss;
  return new ChildError(
    'ERR_AIOPIPE_NO_RESULT',
    `${loss.message}; another worker cannot run it, because its arguments cannot be sent again (${cause.message}). A task with handles cannot be retried`,
    { pid, exitCode, signalCode, cause },
  );
}

import { ClosedError } from '@aiopipe/core';
import { reasonOf, Timer } from '@aiopipe/core/internal';
import { SupervisorError } from '../errors.js';
import { type Admission } from './admission.js';
import { type Backlog } from './backlog.js';
import { type Dispatcher } from './dispatcher.js';
import { type PoolPublisher } from './events.js';
import { type Outcomes } from './outcomes.js';
import { type Slot } from './slot.js';
import { type Slots } from './slots.js';

interface ShutdownParts {
  /** The pool, in messages. */
  readonly title: string;
  readonly admission: Admission;
  readonly backlog: Backlog;
  readonly outcomes: Outcomes;
  readonly dispatcher: Dispatcher;
  readonly slots: Slots;
  readonly events: PoolPublisher;
}

/** The three ways in which a pool ends: it is closed when its tasks are done, ended at once, or gives up. */
export class Shutdown {
  readonly #parts: ShutdownParts;

  constructor(parts: ShutdownParts) {
    this.#parts = parts;
  }

  /**
   * Refuses new tasks, waits for the accepted tasks, and ends the workers.
   *
   * @param timeout - milliseconds after which tasks that are not done are cancelled
   */
  async close(timeout?: number): Promise<void> {
    const { title, admission, outcomes, dispatcher, slots } = this.#parts;
    admission.refuse(() => new ClosedError(`${title} is closed`));
    const timer =
      timeout === undefined
        ? undefined
        : new Timer(() => {
            this.#cancelAll(timeout);
          }, timeout);
    await outcomes.none();
    timer?.cancel();
    dispatcher.stop();
    slots.end((slot) => {
      if (slot.load === 0) slot.retire('closed');
      // If its caller has cancelled the task, no code of the caller waits for its end.
      else if (!slot.leavesWhenFree) slot.terminate('closed');
    });
    await this.#gone();
  }

  /**
   * Ends the workers at once, also those that are leaving. Tasks that are not done reject with what `makeError` returns, each
   * with its own.
   */
  async end(makeError: () => Error): Promise<void> {
    const { slots } = this.#parts;
    const leaving = [...slots.leaving];
    this.#fail(makeError, [...slots.active, ...leaving]);
    // They were asked to end by themselves, and may hang in their teardown. Those that are over have ended, or were killed.
    for (const slot of leaving) if (!slot.isOver) slot.terminate('closed');
    await this.#gone();
  }

  /** Ends the pool because its workers cannot be kept alive. Tasks of workers that have ended may still be answered. */
  giveUp(why: string, cause: Error | undefined): void {
    const { title, dispatcher, slots } = this.#parts;
    if (dispatcher.isStopped) return;
    const last = cause === undefined ? '' : `; the last one: ${reasonOf(cause)}`;
    const message = `${title} gave up: ${why}${last}`;
    this.#fail(() => new SupervisorError('ERR_AIOPIPE_INTENSITY', message, { cause }), slots.active);
    void this.#gone();
  }

  #fail(makeError: () => Error, losers: Iterable<Slot>): void {
    const { admission, backlog, outcomes, dispatcher, slots } = this.#parts;
    admission.refuse(makeError);
    dispatcher.stop();
    for (const task of backlog.removeAll()) outcomes.fail(task, makeError());
    for (const { tasks } of losers) for (const task of tasks) outcomes.fail(task, makeError());
    slots.end((slot) => {
      slot.terminate('closed');
    });
  }

  /** Rejects all tasks. Those that run have `cancelGrace` to end. */
  #cancelAll(timeout: number): void {
    const { title, backlog, outcomes, dispatcher, slots } = this.#parts;
    const makeError = () =>
      new ClosedError(`${title} was closed, and this task was not done within ${String(timeout)} ms after that`);
    dispatcher.stop();
    const active = [...slots.active];
    for (const slot of active) dispatcher.takeBack(slot);
    for (const task of backlog.removeAll()) outcomes.fail(task, makeError());
    for (const slot of active) {
      for (const task of slot.tasks) {
        if (!task.isSettled) slot.cancel(task, makeError());
        outcomes.fail(task, makeError());
      }
      slot.leavesWhenFree = slot.load > 0;
    }
    // Tasks of workers that have just ended, or are about to.
    for (const { tasks } of slots.leaving) for (const task of tasks) outcomes.fail(task, makeError());
  }

  /** Resolves when all workers have ended. No event comes after that. */
  async #gone(): Promise<void> {
    const { slots, events } = this.#parts;
    await slots.gone();
    events.end();
  }
}

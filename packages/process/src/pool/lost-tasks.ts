import { SystemError } from '@aiopipe/core';
import { type Backlog } from './backlog.js';
import { type Admission } from './admission.js';
import { type PoolPublisher } from './events.js';
import { type Dispatcher } from './dispatcher.js';
import { type Outcomes } from './outcomes.js';
import { type Slot } from './slot.js';
import { type Task } from './task.js';

/** The parts that {@link LostTasks} uses. */
export interface LostTasksParts {
  readonly backlog: Backlog;
  readonly outcomes: Outcomes;
  readonly dispatcher: Dispatcher;
  readonly admission: Admission;
  readonly events: PoolPublisher;
}

/** Decides about the tasks of a lost worker: other workers do them, or they reject. */
export class LostTasks {
  readonly #parts: LostTasksParts;

  constructor(parts: LostTasksParts) {
    this.#parts = parts;
  }

  /** Tasks that the worker had not begun use up no retry. Other workers do them, if they can be sent again. */
  giveBack(slot: Slot, error: Error | undefined): void {
    const { backlog, outcomes, dispatcher, admission } = this.#parts;
    for (const task of slot.takeBack().reverse()) {
      if (task.isSettled) {
        task.workerLeft();
        continue;
      }
      task.loss = error instanceof SystemError ? error : slot.lossOf('before it started this task');
      if (dispatcher.isStopped) outcomes.fail(task, admission.refusal?.());
      else backlog.putBack(task);
    }
  }

  /**
   * An honest worker has begun one of the tasks that it still has. A hostile worker may have claimed or answered the rest.
   * Returns whether a task is tried again: the death is one of its retries then.
   */
  retryOrFail(slot: Slot): boolean {
    let isRetried = false;
    for (const task of slot.tasks) {
      if (!task.isSettled) this.#lost(task, slot);
      if (task.isSettled) task.workerLeft();
      else isRetried = true;
    }
    return isRetried;
  }

  /** The worker had begun the task, or may have. */
  #lost(task: Task, slot: Slot): void {
    const loss = slot.lossOf('while it ran this task');
    const { backlog, outcomes, dispatcher, events } = this.#parts;
    if (dispatcher.isStopped || task.retriesLeft === 0 || !task.canRepeat) {
      outcomes.fail(task, loss);
      return;
    }
    task.retriesLeft--;
    task.trace?.wasLost(loss);
    events.publish(slot, {
      type: 'task-retried',
      target: task.target.name,
      error: loss,
      retriesLeft: task.retriesLeft,
    });
    outcomes.counts.retried++;
    task.loss = loss;
    task.isGiven = false;
    backlog.putBack(task);
  }
}

import { PoolCounts } from './stats.js';
import { type Task } from './task.js';

/** Settles tasks, each one once, and counts how they went. */
export class Outcomes {
  readonly counts = new PoolCounts();
  readonly #hold: (isHeld: boolean) => void;
  /** Tasks that are not settled. */
  #outstanding = 0;
  #whenNone: (() => void)[] = [];

  /** @param hold - called when there is a first task, and when all are settled */
  constructor(hold: (isHeld: boolean) => void) {
    this.#hold = hold;
  }

  get outstanding(): number {
    return this.#outstanding;
  }

  add(): void {
    if (this.#outstanding++ === 0) this.#hold(true);
  }

  #settle(task: Task): void {
    task.isSettled = true;
    if (task.lane !== undefined) task.lane.unsettled--;
    if (--this.#outstanding > 0) return;
    this.#hold(false);
    for (const resolve of this.#whenNone.splice(0)) resolve();
  }

  succeed(task: Task, value: unknown): void {
    if (task.isSettled) return;
    this.counts.completed++;
    this.#settle(task);
    task.resolve(value);
    task.trace?.succeeded();
  }

  /** @param isRemote - the task has thrown it in its worker */
  fail(task: Task, error: unknown, isRemote = false): void {
    if (task.isSettled) return;
    this.counts.failed++;
    this.#settle(task);
    task.reject(error, isRemote);
    task.trace?.failed(error);
  }

  /** The caller no longer waits. */
  cancel(task: Task, reason: unknown): void {
    this.counts.cancelled++;
    this.#settle(task);
    task.abandon();
    task.trace?.failed(reason);
  }

  /** Resolves when all tasks are settled. */
  async none(): Promise<void> {
    if (this.#outstanding > 0) await new Promise<void>((resolve) => this.#whenNone.push(resolve));
  }
}

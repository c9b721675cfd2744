import { QueueFullError } from '@aiopipe/codec';
import { type WaitOptions } from '@aiopipe/core';
import { Pending, refuse } from '@aiopipe/core/internal';
import { type Queue } from './queue.js';
import { type Slots } from './slots.js';
import { type Task } from './task.js';

/** Whether a pool takes one more task; callers that wait until it does. */
export class Admission {
  readonly #limit: number;
  readonly #queue: Queue<Task>;
  readonly #slots: Slots;
  readonly #waiting = new Set<Pending<void>>();
  /** Makes the error of a call to a pool that takes no more tasks. Each caller gets its own. */
  refusal: (() => Error) | undefined;

  /** @param limit - of tasks that wait for a worker */
  constructor(limit: number, queue: Queue<Task>, slots: Slots) {
    this.#limit = limit;
    this.#queue = queue;
    this.#slots = slots;
  }

  /** A worker that is starting will take a task: that one does not count. */
  get isFull(): boolean {
    const { length } = this.#queue;
    return length >= this.#limit && length >= this.#limit + this.#slots.starting;
  }

  /** Throws if the pool takes no more tasks, or too many wait. Call it before the task is made. */
  check(): void {
    if (this.refusal !== undefined) throw this.refusal();
    if (!this.isFull) return;
    throw new QueueFullError(
      `${String(this.#queue.length)} tasks are queued already (queueLimit): await drain() before each call, or use map(), ` +
        'which waits when the queue is full',
    );
  }

  /** Resolves when the queue has room. */
  async room(options?: WaitOptions): Promise<void> {
    const refusal = refuse(options) ?? this.refusal?.();
    if (refusal !== undefined) throw refusal;
    if (!this.isFull) return;
    const pending = new Pending<void>(
      options,
      () => 'the queue had no room',
      () => this.#waiting.delete(pending),
    );
    this.#waiting.add(pending);
    await pending.promise;
  }

  /** Refuses all further tasks. The first reason stands. */
  refuse(makeError: () => Error): void {
    this.refusal ??= makeError;
    this.update();
  }

  /** Call it when a task has left the queue. */
  update(): void {
    if (this.#waiting.size === 0 || (this.refusal === undefined && this.isFull)) return;
    for (const pending of this.#waiting) {
      if (this.refusal === undefined) pending.resolve();
      else pending.reject(this.refusal());
    }
    this.#waiting.clear();
  }
}

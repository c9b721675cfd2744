import { QueueFullError } from '@aiopipe/codec';
import { type WaitOptions } from '@aiopipe/core';
import { Pending, refuse } from '@aiopipe/core/internal';
import { type Backlog } from './backlog.js';
import { AHEAD } from './slot.js';
import { type Slots } from './slots.js';

/** Whether a pool takes one more task; callers that wait until it does. */
export class Admission {
  readonly #title: string;
  readonly #limit: number;
  readonly #backlog: Backlog;
  readonly #slots: Slots;
  readonly #waiting = new Set<Pending<void>>();
  /** Makes the error of a call to a pool that takes no more tasks. Each caller gets its own. */
  refusal: (() => Error) | undefined;

  /**
   * @param title - the pool, in messages
   * @param limit - of tasks that wait for a worker
   */
  constructor(title: string, limit: number, backlog: Backlog, slots: Slots) {
    this.#title = title;
    this.#limit = limit;
    this.#backlog = backlog;
    this.#slots = slots;
  }

  /** Whether no more tasks may wait. Tasks that were sent ahead count, too. If a worker is idle, only tasks with keys wait. */
  get isFull(): boolean {
    const { active, hasIdle } = this.#slots;
    // Most pools are far below their limit: this check needs no look at each worker.
    const waiting = this.#backlog.length;
    if ((hasIdle && this.#backlog.bound === 0) || waiting + (AHEAD - 1) * active.size < this.#limit) return false;
    return waiting + this.#slots.ahead >= this.#limit;
  }

  /** Throws if the pool takes no more tasks, or too many wait. Call it before the task is made. */
  check(): void {
    if (this.refusal !== undefined) throw this.refusal();
    if (!this.isFull) return;
    throw new QueueFullError(
      `${this.#title}: ${String(this.#limit)} tasks wait already (queueLimit); await drain() before each call, ` +
        'use map(), which waits when the queue is full, or raise queueLimit',
    );
  }

  /** Resolves when the queue has room. */
  async room(options?: WaitOptions): Promise<void> {
    const refusal = refuse(options) ?? this.refusal?.();
    if (refusal !== undefined) throw refusal;
    if (!this.isFull) return;
    const pending = new Pending<void>(
      options,
      () => `${this.#title}: the queue had no room`,
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

  /** Call it when fewer tasks wait, or a worker is idle. */
  update(): void {
    if (this.#waiting.size === 0 || (this.refusal === undefined && this.isFull)) return;
    for (const pending of this.#waiting) {
      if (this.refusal === undefined) pending.resolve();
      else pending.reject(this.refusal());
    }
    this.#waiting.clear();
  }
}

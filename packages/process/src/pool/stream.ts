import { type WaitOptions } from '@aiopipe/core';
import { Pending, refuse } from '@aiopipe/core/internal';
import { STREAM } from '../worker/protocol.js';
import { Task } from './task.js';

/** A task with many items. They wait in the worker's channel until the caller takes them. */
export class Stream extends Task {
  override readonly kind = STREAM;
  #item: { readonly value: unknown } | undefined;
  /** Tells the worker's reader that the item was taken. */
  #taken: (() => void) | undefined;
  #waiting: Pending<{ readonly value: unknown } | undefined> | undefined;
  #hasYielded = false;
  #failure: { readonly error: unknown } | undefined;
  #hasEnded = false;
  #hasWorkerLeft = false;
  #whenLeft: (() => void) | undefined;

  override get canRepeat(): boolean {
    return !this.#hasYielded;
  }

  override offer(value: unknown): Promise<void> | undefined {
    if (this.isSettled) return undefined;
    this.#hasYielded = true;
    if (this.#waiting !== undefined) {
      this.#waiting.resolve({ value });
      this.#waiting = undefined;
      return undefined;
    }
    this.#item = { value };
    return new Promise((resolve) => (this.#taken = resolve));
  }

  override resolve(): void {
    this.#hasEnded = true;
    this.#waiting?.resolve(undefined);
    this.#waiting = undefined;
  }

  override reject(error: unknown): void {
    this.#hasEnded = true;
    this.abandon();
    if (this.#waiting === undefined) this.#failure = { error };
    else this.#waiting.reject(error);
    this.#waiting = undefined;
  }

  override abandon(): void {
    this.#item = undefined;
    this.#release();
  }

  override workerLeft(): void {
    this.#hasWorkerLeft = true;
    this.#whenLeft?.();
  }

  /** Resolves when no worker runs the task. */
  async left(): Promise<void> {
    if (!this.isGiven || this.#hasWorkerLeft) return;
    await new Promise<void>((resolve) => (this.#whenLeft = resolve));
  }

  #release(): void {
    this.#taken?.();
    this.#taken = undefined;
  }

  /** Resolves with the next item; with undefined at the end. */
  async next(options: WaitOptions | undefined, cancel: (task: Task) => void): Promise<{ value: unknown } | undefined> {
    // After an abort no item comes, not even one that is there already.
    const refusal = refuse(options);
    if (refusal !== undefined) {
      cancel(this);
      throw refusal;
    }
    const item = this.#item;
    if (item !== undefined) {
      this.#item = undefined;
      this.#release();
      return item;
    }
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#hasEnded) return undefined;
    const waiting = new Pending<{ readonly value: unknown } | undefined>(
      options,
      () => 'the task yielded no item',
      () => {
        this.#waiting = undefined;
        cancel(this);
      },
    );
    this.#waiting = waiting;
    return waiting.promise;
  }
}

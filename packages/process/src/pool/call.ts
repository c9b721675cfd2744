import { AbortError, type WaitOptions } from '@aiopipe/core';
import { Pending } from '@aiopipe/core/internal';
import { rejectWithCaller } from './caller-frames.js';
import { WatchedPromise } from '../failure/unheard-failure.js';
import { CALL } from '../worker/protocol.js';
import { type PoolTarget } from './targets.js';
import { Task } from './task.js';
import { type TaskSettings } from './task-settings.js';
import { type TaskTrace } from './task-events.js';

const nothing = (): void => undefined;

/** A task with one result. */
export class Call extends Task {
  override readonly kind = CALL;
  readonly promise: WatchedPromise<unknown>;
  readonly #onUnheard: (error: unknown) => void;
  #resolve!: (value: unknown) => void;
  #reject!: (error: unknown) => void;
  /** Its promise rejects if the signal or the timeout comes first. */
  #limit: Pending<never> | undefined;

  /** @param onUnheard - called with an error that nothing has looked at */
  constructor(
    target: PoolTarget,
    args: readonly unknown[],
    settings: TaskSettings,
    onUnheard: (error: unknown) => void,
    trace: TaskTrace | undefined,
  ) {
    super(target, args, settings, trace);
    this.#onUnheard = onUnheard;
    this.promise = new WatchedPromise<unknown>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** @param cancel - called before the promise rejects because of a signal or timeout */
  limit(options: WaitOptions, what: () => string, cancel: (task: Task) => void): void {
    this.#limit = new Pending<never>(options, what, () => {
      cancel(this);
    });
    this.#limit.promise.catch((error: unknown) => {
      // The program aborted it itself.
      this.promise.rejects(error instanceof AbortError ? nothing : () => this.#onUnheard(error));
      this.#reject(error);
    });
  }

  override get canRepeat(): boolean {
    return true;
  }

  override resolve(value: unknown): void {
    this.#limit?.resolve(undefined as never);
    this.#resolve(value);
  }

  override reject(error: unknown, isRemote: boolean): void {
    this.#limit?.resolve(undefined as never);
    // Only then: V8 finds the caller while its await is all that follows this promise.
    void rejectWithCaller(error, isRemote).then(this.#resolve, () => {
      this.promise.rejects(() => {
        this.#onUnheard(error);
      });
      this.#reject(error);
    });
  }
}

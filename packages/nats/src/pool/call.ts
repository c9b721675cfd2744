import { deserialize, type DecodeLimits } from '@aiopipe/codec';
import { handled, Pending } from '@aiopipe/core/internal';
import { type WaitOptions } from '@aiopipe/core';
import { type Bodies } from '../message/bodies.js';
import { answeredBy, UNANSWERED, type Answer, type WaitingTask } from './outcome.js';
import { remoteError } from './remote-error.js';

/** A task with one result. */
export class Call implements WaitingTask {
  readonly #pending: Pending<unknown>;
  readonly #bodies: Bodies;
  readonly #limits: DecodeLimits;
  readonly #onSettled: () => void;
  #isSettled = false;
  answered = UNANSWERED;

  /**
   * @param what - begins the messages of a timeout and an abort
   * @param onSettled - called when the task is settled
   * @param onLeft - called when the caller has stopped waiting
   */
  constructor(
    wait: WaitOptions | undefined,
    what: string,
    bodies: Bodies,
    limits: DecodeLimits,
    onSettled: () => void,
    onLeft: () => void,
  ) {
    this.#bodies = bodies;
    this.#limits = limits;
    this.#onSettled = onSettled;
    this.#pending = new Pending<unknown>(
      wait,
      () => `${what} was not done`,
      () => {
        this.#isSettled = true;
        onLeft();
      },
    );
    void handled(this.#pending.promise);
  }

  get promise(): Promise<unknown> {
    return this.#pending.promise;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  take(answer: Answer): boolean {
    if (this.#isSettled) return false;
    this.answered = answeredBy(answer);
    this.#settle();
    void this.#read(answer);
    return true;
  }

  async #read({ kind, data, object, machine }: Answer): Promise<void> {
    try {
      const bytes = object === undefined ? data : await this.#bodies.unpack(data, object);
      this.#bodies.remove(object);
      if (kind === 'result') this.#pending.resolve(deserialize(bytes, { limits: this.#limits }));
      else this.#pending.reject(remoteError(bytes, this.#limits, machine));
    } catch (error) {
      this.#pending.reject(error);
    }
  }

  fail(error: unknown): void {
    if (this.#isSettled) return;
    this.#settle();
    this.#pending.reject(error);
  }

  #settle(): void {
    this.#isSettled = true;
    this.#onSettled();
  }
}

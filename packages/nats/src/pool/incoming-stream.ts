import { deserialize, type DecodeLimits } from '@aiopipe/codec';
import { type WaitOptions } from '@aiopipe/core';
import { Pending } from '@aiopipe/core/internal';
import { ChildError } from '@aiopipe/process';
import { headers } from '@nats-io/transport-node';
import { HEADER } from '../engine/headers.js';
import { type Bodies } from '../message/bodies.js';
import { WINDOW } from '../task/answers.js';
import { type Courier } from '../task/courier.js';
import { answeredBy, UNANSWERED, type Answer, type WaitingTask } from './outcome.js';
import { remoteError } from './remote-error.js';

/** Milliseconds for which a credit is sent to a machine that does not answer. */
const CREDIT_LIMIT = 60_000;

/** The items of a task, in their order. Each item that is taken lets the machine send one more. */
export class IncomingStream implements WaitingTask {
  readonly #courier: Courier;
  readonly #bodies: Bodies;
  readonly #limits: DecodeLimits;
  readonly #what: string;
  /** Answers by their number: they may come more than once, and in another order. */
  readonly #answers = new Map<number, Answer>();
  /** The attempt that the items come from: the first one that has sent any. */
  #attempt: string | undefined;
  #credits: string | undefined;
  #next = 0;
  #granted = WINDOW;
  #failure: { readonly error: unknown } | undefined;
  #waiting: Pending<void> | undefined;
  isOver = false;
  /** Whether the caller has stopped waiting for an item. */
  isLeft = false;
  answered = UNANSWERED;

  constructor(courier: Courier, bodies: Bodies, limits: DecodeLimits, what: string) {
    this.#courier = courier;
    this.#bodies = bodies;
    this.#limits = limits;
    this.#what = what;
  }

  take(answer: Answer): boolean {
    if (this.isOver) return false;
    if (this.#attempt === undefined) {
      this.#attempt = answer.attempt;
      this.answered = answeredBy(answer);
    }
    if (answer.attempt !== this.#attempt) {
      // The machine of the first attempt was lost. What the caller has seen cannot be taken back.
      const message = `${this.#what}: its machine was lost after ${String(this.#next)} items`;
      this.fail(new ChildError('ERR_AIOPIPE_NO_RESULT', message));
      return false;
    }
    this.#credits = answer.credits;
    if (answer.item < this.#next || this.#answers.has(answer.item)) return true;
    this.#answers.set(answer.item, answer);
    this.#wake();
    return true;
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  /** Resolves with the next item; with undefined at the end. */
  async next(wait: WaitOptions | undefined): Promise<{ readonly value: unknown } | undefined> {
    for (;;) {
      const answer = this.#answers.get(this.#next);
      if (answer !== undefined) return this.#read(answer);
      if (this.#failure !== undefined) throw this.#failure.error;
      this.#waiting = new Pending<void>(wait, () => `${this.#what}: no item came`);
      try {
        await this.#waiting.promise;
      } catch (error) {
        this.isLeft = true;
        throw error;
      }
    }
  }

  async #read({ kind, data, object, machine }: Answer): Promise<{ readonly value: unknown } | undefined> {
    this.#answers.delete(this.#next++);
    if (kind === 'end') return undefined;
    const bytes = object === undefined ? data : await this.#bodies.unpack(data, object);
    this.#bodies.remove(object);
    if (kind === 'error') throw remoteError(bytes, this.#limits, machine);
    if (this.#granted - this.#next <= WINDOW / 2) this.#grant();
    return { value: deserialize(bytes, { limits: this.#limits }) };
  }

  #grant(): void {
    if (this.#credits === undefined) return;
    this.#granted = this.#next + WINDOW;
    const fields = headers();
    fields.set(HEADER.item, String(this.#granted));
    void this.#courier.deliver(this.#credits, new Uint8Array(), fields, CREDIT_LIMIT);
  }

  /** Objects of items that were not taken are removed. */
  close(): void {
    this.isOver = true;
    for (const { object } of this.#answers.values()) this.#bodies.remove(object);
    this.#answers.clear();
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}

import { type WaitOptions } from '@aiopipe/core';
import { now, Pending } from '@aiopipe/core/internal';

/** Questions to a child that ask for nothing but an answer. */
export class Pings {
  readonly #waiting = new Map<number, Pending<void>>();

  /**
   * Resolves to the milliseconds until the answer.
   *
   * @param put - sends the question; what it throws is thrown
   */
  async ask(id: number, who: string, options: WaitOptions, put: () => void): Promise<number> {
    const pending = new Pending<void>(
      options,
      () => `${who} gave no answer`,
      () => this.#waiting.delete(id),
    );
    this.#waiting.set(id, pending);
    const start = now();
    try {
      put();
    } catch (error) {
      this.#waiting.delete(id);
      pending.reject(error);
    }
    await pending.promise;
    return now() - start;
  }

  answer(id: number): void {
    this.#waiting.get(id)?.resolve();
    this.#waiting.delete(id);
  }

  /** Returns how many waited. */
  rejectAll(error: Error): number {
    const count = this.#waiting.size;
    for (const pending of this.#waiting.values()) pending.reject(error);
    this.#waiting.clear();
    return count;
  }
}

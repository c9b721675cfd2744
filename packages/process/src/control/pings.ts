import { type WaitOptions } from '@aiopipe/core';
import { now, Pending } from '@aiopipe/core/internal';

/** The pings of a child that wait for their answers. */
export class Pings {
  readonly #waiting = new Map<number, Pending<void>>();

  /**
   * Resolves with the milliseconds until the answer.
   *
   * @param put - sends the ping; what it throws rejects
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

  /** Rejects all pings that wait; returns how many did. */
  rejectAll(error: Error): number {
    const count = this.#waiting.size;
    for (const pending of this.#waiting.values()) pending.reject(error);
    this.#waiting.clear();
    return count;
  }
}

import { putNow } from '@aiopipe/codec/internal';
import { type WaitOptions } from '@aiopipe/core';
import { Pending } from '@aiopipe/core/internal';
import { type Control } from './launch.js';
import { type Ping } from './protocol.js';

/** Questions to a child that ask for nothing but an answer. */
export class Pings {
  #nextId = 0;
  readonly #waiting = new Map<number, Pending<void>>();

  /** Resolves to the milliseconds until the answer. */
  async ask(control: Control | undefined, who: string, options: WaitOptions): Promise<number> {
    const id = this.#nextId++;
    const pending = new Pending<void>(
      options,
      () => `${who} gave no answer`,
      () => this.#waiting.delete(id),
    );
    this.#waiting.set(id, pending);
    const start = performance.now();
    try {
      if (control !== undefined) putNow(control, { kind: 'ping', id } satisfies Ping);
    } catch {
      // It doesn't listen any more: its end, which is about to be told, answers.
    }
    await pending.promise;
    return performance.now() - start;
  }

  answer(id: number): void {
    this.#waiting.get(id)?.resolve();
    this.#waiting.delete(id);
  }

  rejectAll(error: Error): void {
    for (const pending of this.#waiting.values()) pending.reject(error);
    this.#waiting.clear();
  }
}

import { Timer } from '@aiopipe/core/internal';
import { catchUp } from '../wait/loop-turns.js';

/** The time that a worker has to end a cancelled task. */
export class CancelGrace {
  readonly #milliseconds: number;
  readonly #onOverdue: () => void;
  #timer: Timer | undefined;

  constructor(milliseconds: number, onOverdue: () => void) {
    this.#milliseconds = milliseconds;
    this.#onOverdue = onOverdue;
  }

  /** Starts the time. If it already runs, this changes nothing. */
  begin(): void {
    if (this.#timer !== undefined) return;
    const timer = new Timer(() => {
      void catchUp().then(() => {
        if (this.#timer === timer) this.#onOverdue();
      });
    }, this.#milliseconds);
    this.#timer = timer;
  }

  end(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

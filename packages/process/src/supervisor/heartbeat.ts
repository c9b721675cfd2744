import { Timer } from '@aiopipe/core/internal';
import { catchUp } from '../wait/loop-turns.js';
import { type ProcessHandle } from '../start/process.js';
import { type ChildSpecFields } from './spec.js';

/** Asks a child for signs of life until it is told to stop, or one doesn't come. None of its timers keeps us alive. */
export class Heartbeat {
  readonly #process: ProcessHandle;
  readonly #times: NonNullable<ChildSpecFields<unknown>['heartbeat']>;
  readonly #onHung: () => void;
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(process: ProcessHandle, times: NonNullable<ChildSpecFields<unknown>['heartbeat']>, onHung: () => void) {
    this.#process = process;
    this.#times = times;
    this.#onHung = onHung;
  }

  start(): void {
    if (this.#isStopped) return;
    this.#timer = new Timer(() => void this.#beat(), this.#times.interval).unref();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  async #beat(): Promise<void> {
    let isAnswered = false;
    this.#timer = new Timer(() => void conclude(), this.#times.deadline).unref();
    const conclude = async () => {
      // Where it was us who hung, its answer is there.
      await catchUp();
      if (!isAnswered && !this.#isStopped) this.#onHung();
    };
    try {
      await this.#process.ping();
    } catch {
      // It has ended, which others tell.
      return;
    }
    isAnswered = true;
    this.#timer?.cancel();
    this.start();
  }
}

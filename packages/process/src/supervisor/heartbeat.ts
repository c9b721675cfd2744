import { Timer } from '@aiopipe/core/internal';
import { catchUp } from '../wait/loop-turns.js';
import { type ProcessHandle } from '../start/process.js';
import { type ChildSpecFields } from './spec.js';

/** Pings a child until `stop()` is called, or an answer is missing. Its timers do not keep this process alive. */
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
      // If this process hung, the answer has arrived already.
      await catchUp();
      if (!isAnswered && !this.#isStopped) this.#onHung();
    };
    try {
      await this.#process.ping();
    } catch {
      // The child has ended; its result reports that.
      return;
    }
    isAnswered = true;
    this.#timer?.cancel();
    this.start();
  }
}

import { now } from '@aiopipe/core/internal';
import { type Backoff } from './spec.js';

/** How many restarts a supervisor bears. */
export class RestartIntensity {
  /** Of the restarts within the last period. */
  #times: number[] = [];

  constructor(
    readonly intensity: number,
    readonly period: number,
  ) {}

  /** Counts one more. False: that is one too many. */
  allowsOneMore(): boolean {
    const last = now();
    this.#times = [...this.#times.filter((time) => last - time < this.period), last];
    return this.#times.length <= this.intensity;
  }
}

/** Milliseconds before a child is started again that has ended so many times in a row. */
export function restartDelay(backoff: Backoff | undefined, endsInARow: number): number {
  if (backoff === undefined) return 0;
  const { initial, factor = 2, max = 30_000, jitter = 0.5 } = backoff;
  const longest = Math.min(max, initial * factor ** (endsInARow - 1));
  return longest * (1 - jitter * Math.random());
}

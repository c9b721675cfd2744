/**
 * Times of the last tasks, in milliseconds.
 *
 * @see the example of {@link PoolStats}
 */
export interface Times {
  /** Half of them took no longer. */
  readonly median: number;
  /** All but one in a hundred took no longer. */
  readonly p99: number;
}

/** How many times are remembered. */
const LAST = 1024;

/** The last times that were added. */
export class RecentTimes {
  readonly #times = new Float64Array(LAST);
  #count = 0;

  add(ms: number): void {
    this.#times[this.#count++ % LAST] = ms;
  }

  /** Undefined before the first time is added. */
  get summary(): Times | undefined {
    if (this.#count === 0) return undefined;
    const sorted = this.#times.slice(0, Math.min(this.#count, LAST)).sort();
    const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] as number;
    return { median: at(0.5), p99: at(0.99) };
  }
}

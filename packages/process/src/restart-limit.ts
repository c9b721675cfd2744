/** Counts restarts, and tells when there are more of them within a period than are borne. */
export class RestartLimit {
  readonly #intensity: number;
  readonly #period: number;
  /** Of the restarts within the last period. */
  #times: number[] = [];

  /** @param period - milliseconds */
  constructor(intensity: number, period: number) {
    if (!(Number.isInteger(intensity) || intensity === Infinity) || intensity < 0) {
      throw new TypeError(`intensity: expected a whole number of restarts, not ${String(intensity)}`);
    }
    if (!(period > 0)) throw new TypeError(`period: expected milliseconds, not ${String(period)}`);
    this.#intensity = intensity;
    this.#period = period;
  }

  /** Of a restart that is due now. */
  allows(): boolean {
    const now = performance.now();
    this.#times = [...this.#times.filter((time) => now - time < this.#period), now];
    return this.#times.length <= this.#intensity;
  }

  toString(): string {
    return `${String(this.#intensity)} restart(s) within ${String(this.#period)} ms (intensity and period)`;
  }
}

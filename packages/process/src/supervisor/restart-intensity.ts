import { now } from '@aiopipe/core/internal';

/** Counts restarts, and tells when there are more within a period than the intensity allows. OTP's `add_restart/1`. */
export class RestartIntensity {
  /** When the restarts within the last period were, oldest first. Never more than `intensity` of them and one. */
  readonly #times: number[] = [];

  /** @param period - milliseconds */
  constructor(
    readonly intensity: number,
    readonly period: number,
  ) {}

  /** Counts one more restart. Returns false if it exceeds the intensity. */
  allowsOneMore(): boolean {
    if (this.intensity === Infinity) return true;
    const time = now();
    this.#times.push(time);
    while (time - (this.#times[0] as number) >= this.period && this.#times.length > 1) this.#times.shift();
    return this.#times.length <= this.intensity;
  }

  /** For messages: `2 restarts within 5000 ms`. */
  toString(): string {
    const { intensity, period } = this;
    return `${String(intensity)} ${intensity === 1 ? 'restart' : 'restarts'} within ${String(period)} ms`;
  }
}

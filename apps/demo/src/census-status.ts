import { count } from './count.js';
import { type Counts } from './totals.js';

/** How a round stands. */
export interface Standing {
  /** Files that were listed. */
  readonly listed: number;
  readonly counts: Counts;
  readonly restarts: number;
  /** `2 of 3 machines`; empty without machines. */
  readonly machines: string;
}

const NOTHING: Standing = {
  listed: 0,
  counts: { files: 0, lines: 0, bytes: 0, matches: 0 },
  restarts: 0,
  machines: '',
};

/** What the page says of the census: the round under way, and how the one before it ended. */
export class CensusStatus {
  #round = 0;
  #phase: 'counting' | 'verifying' = 'counting';
  #standing = (): Standing => NOTHING;
  #before: string[] = [];

  /** @param standing - returns how the new round stands when it is called */
  begin(standing: () => Standing): void {
    this.#round++;
    this.#phase = 'counting';
    this.#standing = standing;
  }

  verify(): void {
    this.#phase = 'verifying';
  }

  /** @param verdict - what the verification has found */
  end(verdict: string): void {
    this.#before = [`${this.#title()}: ${verdict}`];
  }

  toString(): string {
    const { listed, counts } = this.#standing();
    const { files, lines, bytes, matches } = counts;
    const line =
      `${this.#title()}: ${this.#phase}, ${String(files)} of ${String(listed)} files, ` +
      `${String(lines)} lines, ${String(bytes)} bytes, ${String(matches)} matches`;
    return [line, ...this.#before].join('\n');
  }

  #title(): string {
    const { restarts, machines } = this.#standing();
    return [`Round ${String(this.#round)}`, ...(machines === '' ? [] : [machines]), count(restarts, 'restart')].join(
      ', ',
    );
  }
}

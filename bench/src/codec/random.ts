/** A sequence of numbers that a seed decides (mulberry32): a run can be repeated, and all sides get the same values. */
export class Random {
  constructor(private state: number) {}

  /** From 0 up to 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  /** A whole number from 0 to `n - 1`. */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }

  /** A word of `min` to `max` small letters. */
  word(min: number, max: number): string {
    const length = min + this.below(max - min + 1);
    return Array.from({ length }, () => String.fromCharCode(97 + this.below(26))).join('');
  }
}

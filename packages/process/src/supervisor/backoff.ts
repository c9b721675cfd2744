/**
 * How long a supervisor waits before a restart. The first wait is `initial` milliseconds. Each further wait for the same child
 * is `factor` times as long, up to `max`, until the child has run for the supervisor's `period` without a break.
 *
 * @see the example of {@link SupervisorOptions}
 */
export interface Backoff {
  /** Milliseconds before the first restart. */
  readonly initial: number;
  /** 1 or more; default 2. */
  readonly factor?: number | undefined;
  /** Milliseconds, at least `initial`; default 30000, or `initial` if that is more. */
  readonly max?: number | undefined;
  /** The random share of a wait, from 0 to 1; default 0.5, which waits between half of the time and all of it. */
  readonly jitter?: number | undefined;
}

/** Returns the milliseconds to wait before a child is restarted that has ended so many times in a row. */
export function restartDelay(backoff: Backoff | undefined, endsInARow: number): number {
  if (backoff === undefined) return 0;
  const { initial, factor = 2, max = Math.max(initial, 30_000), jitter = 0.5 } = backoff;
  const longest = Math.min(max, initial * factor ** (endsInARow - 1));
  return longest * (1 - jitter * Math.random());
}

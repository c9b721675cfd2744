/** One who takes part in a row, ready to run. */
export interface Runner extends AsyncDisposable {
  /** Of the process that does the work; it may have others under it. */
  readonly pid: number;
  /** Does `amount` of the row's work once, and resolves to what the row's measure asks for: mostly the seconds it took. */
  run(amount: number): Promise<number>;
  /** Called once it is warm, before what it does is counted. */
  settle?(): void;
}

/** A library or program that takes part in a row. */
export interface Side {
  readonly name: string;
  /** Starts what it needs, processes above all: none of that is ever measured. */
  open(): Runner | Promise<Runner>;
}

export interface Peer extends Side {
  /** The goal for the row's ratio against this one: a minimum for a speed or a rate, a maximum for all other measures. */
  readonly goal?: number | undefined;
}

/**
 * The value that a row's runners resolve with, and the meaning of its ratios.
 *
 * Seconds for the whole amount: `speed` and `rate` say how many times as fast ours is, more is better; `time` how much of
 * the peer's time ours takes, less is. `stall`: the longest time in seconds that the loop stood still. `memory`: bytes held
 * once the work is done. Of these two, too, ours as a share of the peer's.
 */
export type Measure =
  | { readonly kind: 'speed'; readonly bytesPerUnit: number }
  | { readonly kind: 'rate'; readonly unit: string }
  | { readonly kind: 'time'; readonly unit: string }
  | { readonly kind: 'stall' }
  | { readonly kind: 'memory' };

/** The same work, done by us and by others. */
export interface Row {
  readonly name: string;
  readonly measure: Measure;
  readonly ours: Side;
  readonly peers: readonly Peer[];
  readonly fixed?: FixedWork | undefined;
  /** Otherwise a round is never less than this. */
  readonly least?: number;
  /**
   * How many units each side does before anything counts. For work that V8 compiles late: what comes once in half a millisecond looks warm
   * long before.
   */
  readonly warmUp?: number;
  /** The position of the row on a curve, which the chart draws instead of bars. */
  readonly at?: CurvePoint | undefined;
}

/** For work that cannot be cut to a lap's length. */
export interface FixedWork {
  /** Of one round. */
  readonly amount: number;
  /** So many at most. */
  readonly rounds: number;
  /** How much is done before anything counts, until V8 has compiled what it is done by; 1 unless given. */
  readonly warmUp?: number;
  /** All rounds together are the work, by sides that start once: there are so many then, however many were asked for. */
  readonly isWhole?: boolean;
}

/** Rows of one curve differ in what `axis` says alone. */
export interface CurvePoint {
  readonly curve: string;
  readonly axis: string;
  readonly x: number;
}

/** The content of one table. */
export interface Part {
  readonly title: string;
  /** The rows that this machine can run, and a note for each comparison that it cannot run. */
  prepare(): Promise<{ readonly rows: readonly Row[]; readonly notes: readonly string[] }>;
}

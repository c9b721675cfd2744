/** One who takes part in a row, ready to run. */
export interface Runner extends AsyncDisposable {
  /** Does `amount` of the row's work once, and resolves to the seconds that the work itself took. */
  run(amount: number): Promise<number>;
}

/** Who can take part in a row. */
export interface Side {
  readonly name: string;
  /** Starts what it needs, processes above all: none of that is ever measured. */
  open(): Runner | Promise<Runner>;
}

export interface Peer extends Side {
  /** What the row's ratio against this one should reach: at least, of a speed; at most, of a time. */
  readonly goal?: number | undefined;
}

/**
 * What a row's ratios say.
 *
 * `speed`: how many times as fast ours is; more is better. `time`: how much of the peer's time ours takes; less is.
 */
export type Measure =
  { readonly kind: 'speed'; readonly bytesPerUnit: number } | { readonly kind: 'time'; readonly unit: string };

/** The same work, done by us and by others. */
export interface Row {
  readonly name: string;
  readonly measure: Measure;
  readonly ours: Side;
  readonly peers: readonly Peer[];
}

/** What one table shows. */
export interface Part {
  readonly title: string;
  /** The rows that this machine can run, and a note for each thing that it can't. */
  prepare(): Promise<{ readonly rows: readonly Row[]; readonly notes: readonly string[] }>;
}

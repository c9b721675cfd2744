/** The report of a process about its work, as one line of JSON. */
export interface Hauled {
  readonly count: number;
  /** Bytes of JavaScript's heap and of the whole process that each one added, with the standard errors. */
  readonly heap: readonly [slope: number, error: number];
  readonly rss: readonly [slope: number, error: number];
  /** The numbers of descriptors and child processes, at the first sample and at most. */
  readonly descriptors: readonly [number, number];
  readonly processes: readonly [number, number];
}

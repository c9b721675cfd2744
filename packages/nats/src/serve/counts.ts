/**
 * What became of the tasks that a machine has taken since its start.
 *
 * @see the example of {@link ClusterMessage}
 */
export interface MachineCounts {
  /** Tasks whose target returned. */
  readonly completed: number;
  /** Tasks whose caller got an error: because they threw, or because no retry was left. */
  readonly failed: number;
  /** Tasks whose caller stopped waiting. */
  readonly cancelled: number;
  /** Tasks that it gave back for another try: their worker died, or the machine ended. */
  readonly handedBack: number;
  /** Tasks that had been delivered before, to this machine or to another. */
  readonly redelivered: number;
}

/** {@link MachineCounts}, while they grow. */
export type GrowingCounts = { -readonly [Name in keyof MachineCounts]: number };

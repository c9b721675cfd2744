/** Says when a worker is to be killed: as often as wanted, spread evenly over the tasks. */
export class Chaos {
  readonly wanted: number;
  /** Kills that were sent. */
  kills = 0;

  constructor(wanted: number) {
    this.wanted = wanted;
  }

  /**
   * To be asked at each task that is done. The fewer tasks are left for the kills that are left, the likelier: so all of
   * the kills happen, unless there are fewer tasks.
   */
  isDue(tasksLeft: number): boolean {
    return Math.random() * tasksLeft < this.wanted - this.kills;
  }
}

export function anyOf<T>(candidates: readonly T[]): T | undefined {
  return candidates[Math.floor(Math.random() * candidates.length)];
}

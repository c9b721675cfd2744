/** Decides when a worker is killed: as often as wanted, spread evenly over the tasks. */
export class Chaos {
  readonly wanted: number;
  /** Kills that were sent. */
  kills = 0;

  constructor(wanted: number) {
    this.wanted = wanted;
  }

  /**
   * Call it once for each finished task. The fewer tasks are left for the remaining kills, the likelier is a kill. So all
   * kills happen, unless there are fewer tasks.
   */
  isDue(tasksLeft: number): boolean {
    return Math.random() * tasksLeft < this.wanted - this.kills;
  }
}

export function anyOf<T>(candidates: readonly T[]): T | undefined {
  return candidates[Math.floor(Math.random() * candidates.length)];
}

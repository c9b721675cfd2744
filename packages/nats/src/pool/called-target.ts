import { type Answered } from './outcome.js';
import { type ClusterPoolCounts, type ObservedClusterPool } from './observed-pool.js';
import { type ClusterPoolStats, type StatsOptions } from './stats.js';

/** All calls of one target from this process. */
export class CalledTarget implements ObservedClusterPool {
  readonly target: string;
  readonly version: string;
  readonly #ask: (options: StatsOptions | undefined) => Promise<ClusterPoolStats>;
  readonly #counts = { outstanding: 0, completed: 0, failed: 0, cancelled: 0, retried: 0 };

  constructor(target: string, version: string, ask: (options: StatsOptions | undefined) => Promise<ClusterPoolStats>) {
    this.target = target;
    this.version = version;
    this.#ask = ask;
  }

  get counts(): ClusterPoolCounts {
    return { ...this.#counts };
  }

  stats(options?: StatsOptions): Promise<ClusterPoolStats> {
    return this.#ask(options);
  }

  /** A task was sent. */
  called(): void {
    this.#counts.outstanding++;
  }

  /** The caller of a task knows its outcome, or has left. */
  settled(ending: 'completed' | 'failed' | 'cancelled', { attempts = 1 }: Answered): void {
    this.#counts.outstanding--;
    this.#counts[ending]++;
    this.#counts.retried += attempts - 1;
  }
}

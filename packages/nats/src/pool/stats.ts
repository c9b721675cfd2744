/**
 * What one machine does.
 *
 * @see the example of {@link ClusterPool}
 */
export interface MachineStats {
  readonly name: string;
  /** Its workers, of all its targets, by what they do. */
  readonly workers: { readonly starting: number; readonly idle: number; readonly busy: number };
  /** Tasks that it runs now, of all its targets. */
  readonly running: number;
}

/**
 * What is known of the tasks of one target over all machines.
 *
 * @see the example of {@link ClusterPool}
 */
export interface ClusterPoolStats {
  /** Tasks that no machine has taken. */
  readonly queued: number;
  /** Tasks that a machine has taken and not finished. */
  readonly running: number;
  /** Of these, the tasks that were delivered more than once. */
  readonly redelivered: number;
  /** The workers of all machines together. */
  readonly workers: { readonly starting: number; readonly idle: number; readonly busy: number };
  /** The machines that have answered. */
  readonly machines: readonly MachineStats[];
}

/** Returns what a machine has sent, if it is that; undefined otherwise. */
export function readMachineStats(value: unknown): MachineStats | undefined {
  const { name, workers, running } = (value ?? {}) as Record<string, unknown>;
  const { starting, idle, busy } = (workers ?? {}) as Record<string, unknown>;
  const isRight = [starting, idle, busy, running].every((count) => typeof count === 'number');
  return isRight && typeof name === 'string' ? (value as MachineStats) : undefined;
}

/** The counts of a consumer, as JetStream names them. */
interface ConsumerCounts {
  readonly num_pending: number;
  readonly num_ack_pending: number;
  readonly num_redelivered: number;
}

/** @param consumers - those of all lanes */
export function summarize(machines: readonly MachineStats[], consumers: readonly ConsumerCounts[]): ClusterPoolStats {
  const workers = { starting: 0, idle: 0, busy: 0 };
  for (const machine of machines) {
    for (const state of ['starting', 'idle', 'busy'] as const) workers[state] += machine.workers[state];
  }
  const sum = (name: keyof ConsumerCounts) => consumers.reduce((total, counts) => total + counts[name], 0);
  const [queued, running] = [sum('num_pending'), sum('num_ack_pending')];
  return { queued, running, redelivered: sum('num_redelivered'), workers, machines };
}

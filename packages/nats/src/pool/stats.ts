import { deserialize } from '@aiopipe/codec';
import { checkCount, checkOptions, optionNames } from '@aiopipe/core/internal';
import { JetStreamApiCodes } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { codeOf, type Engine } from '../engine/engine.js';
import { DEFAULT_LIMITS } from '../message/limits.js';
import { isToken, LANES, type Lane, type Names } from '../names.js';
import { encodeControl } from '../task/control.js';

/**
 * Options of `stats()`.
 *
 * @see the example of {@link ClusterPool}
 */
export interface StatsOptions {
  /** Milliseconds that machines have to answer. Default: 1000. It ends 100 ms after the last answer. */
  readonly timeout?: number | undefined;
}

const STATS_OPTIONS = optionNames<StatsOptions>({ timeout: true });

/** Milliseconds after the last answer. */
const STALL = 100;

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
function readMachineStats(data: Uint8Array): MachineStats | undefined {
  let value: unknown;
  try {
    value = deserialize(data, { limits: DEFAULT_LIMITS });
  } catch {
    return undefined;
  }
  const { name, workers, running } = (value ?? {}) as Record<string, unknown>;
  const { starting, idle, busy } = (workers ?? {}) as Record<string, unknown>;
  if (!isToken(name)) return undefined;
  const isRight = [starting, idle, busy, running].every(
    (count) => Number.isSafeInteger(count) && (count as number) >= 0,
  );
  return isRight ? (value as MachineStats) : undefined;
}

/** The counts of a consumer, as JetStream names them. */
interface ConsumerCounts {
  readonly num_pending: number;
  readonly num_ack_pending: number;
  readonly num_redelivered: number;
}

/** The target that is asked about. */
interface Asked {
  readonly engine: Engine;
  readonly names: Names;
  readonly target: string;
  readonly version: string;
}

/** Asks the server and all machines what is going on. */
export async function askStats(asked: Asked, options: StatsOptions = {}): Promise<ClusterPoolStats> {
  checkOptions(options, STATS_OPTIONS);
  const { timeout = 1000 } = options;
  checkCount('timeout', timeout, { least: 1, most: 3_600_000, of: 'milliseconds' });
  const { engine, names, target, version } = asked;
  const what = `the statistics of the cluster's pool of ${target}`;
  const request = encodeControl({ type: 'stats', target, version });
  const answers = await engine.insist(
    () => engine.nc.requestMany(names.machines, request, { strategy: 'stall', maxWait: timeout, stall: STALL }),
    what,
  );
  const machines: MachineStats[] = [];
  try {
    for await (const { data } of answers) {
      const machine = readMachineStats(data);
      if (machine !== undefined) machines.push(machine);
    }
  } catch (error) {
    // There is no machine at all.
    if (!(error instanceof errors.NoRespondersError)) throw error;
  }
  return summarize(machines, await Promise.all(LANES.map((lane) => countsOf(asked, lane, what))));
}

async function countsOf({ engine, names, target, version }: Asked, lane: Lane, what: string): Promise<ConsumerCounts> {
  const consumer = names.taskConsumer(target, version, lane);
  try {
    return await engine.insist(() => engine.jsm.consumers.info(names.tasks, consumer), what);
  } catch (error) {
    if (codeOf((error as Error).cause) !== JetStreamApiCodes.ConsumerNotFound) throw error;
  }
  // No machine has ever served the target: all of its tasks wait.
  const subject = names.task(target, version, lane);
  const look = () => engine.jsm.streams.info(names.tasks, { subjects_filter: subject });
  const { state } = await engine.insist(look, what);
  return { num_pending: state.subjects?.[subject] ?? 0, num_ack_pending: 0, num_redelivered: 0 };
}

/** @param consumers - those of all lanes */
function summarize(machines: readonly MachineStats[], consumers: readonly ConsumerCounts[]): ClusterPoolStats {
  const workers = { starting: 0, idle: 0, busy: 0 };
  for (const machine of machines) {
    for (const state of ['starting', 'idle', 'busy'] as const) workers[state] += machine.workers[state];
  }
  const sum = (name: keyof ConsumerCounts) => consumers.reduce((total, counts) => total + counts[name], 0);
  const [queued, running] = [sum('num_pending'), sum('num_ack_pending')];
  return { queued, running, redelivered: sum('num_redelivered'), workers, machines };
}

import { availableParallelism } from 'node:os';
import { checkMilliseconds, checkOptions, optionNames, show } from '@aiopipe/core/internal';
import { checkOptionsAt, type ProcessOptions } from '../start/options.js';

/** How a pool behaves. */
export interface PoolOptions {
  /**
   * Child processes; as many as there are cores unless given. With `{ min, max }`, `min` (0 unless given) of them are always
   * there, and there are more, up to `max`, while tasks wait.
   */
  readonly size?: number | { readonly min?: number | undefined; readonly max: number } | undefined;
  /** Milliseconds without a task after which one over `min` is ended. 10 000 unless given. */
  readonly idleTimeout?: number | undefined;
  /** How often a task is given to another child when one dies at it, before it rejects. 0 unless given. */
  readonly retries?: number | undefined;
  /** Tasks that may wait for a child; one more rejects QueueFullError. 65 536 unless given. */
  readonly queueLimit?: number | undefined;
  /** Milliseconds that a cancelled task gets to end by itself, before its child is killed and replaced. 1000 unless given. */
  readonly cancelGrace?: number | undefined;
  /** Tasks after which a child is replaced. No limit unless given. */
  readonly maxTasks?: number | undefined;
  /** Bytes of memory (resident set size): a child that holds more after a task is replaced. No limit unless given. */
  readonly maxRss?: number | undefined;
  /**
   * Microseconds for which both sides look for the next message before they sleep: see the channels' option of this name.
   * 0 unless given. For many tasks of some microseconds, asked for one after the other.
   */
  readonly spin?: number | undefined;
  /** Children that may be lost within `period`; at one more the pool gives up. 10 unless given. */
  readonly intensity?: number | undefined;
  /** Milliseconds. 5000 unless given. */
  readonly period?: number | undefined;
  /** How the children are started. With `daemon`, the pool keeps this process alive only while it has tasks. */
  readonly options?: ProcessOptions | undefined;
}

const OPTIONS = optionNames<PoolOptions>({
  size: true,
  idleTimeout: true,
  retries: true,
  queueLimit: true,
  cancelGrace: true,
  maxTasks: true,
  maxRss: true,
  spin: true,
  intensity: true,
  period: true,
  options: true,
});

const SIZES = optionNames<Exclude<PoolOptions['size'], number | undefined>>({ min: true, max: true });

/** {@link PoolOptions}, checked. */
export interface PoolSettings {
  readonly min: number;
  readonly max: number;
  readonly idleTimeout: number;
  readonly retries: number;
  readonly queueLimit: number;
  readonly cancelGrace: number;
  readonly maxTasks: number;
  readonly maxRss: number | undefined;
  readonly spin: number;
  readonly intensity: number;
  readonly period: number;
  readonly options: ProcessOptions | undefined;
}

/** Throws TypeError for what can't be. */
export function readPoolOptions(options: PoolOptions): PoolSettings {
  checkOptions(options, OPTIONS);
  checkOptionsAt('options', options.options);
  checkStreams(options.options ?? {});
  const { size = availableParallelism(), maxRss } = options;
  if (typeof size === 'object') checkOptions(size, SIZES, 'size');
  const { min = 0, max } = typeof size === 'object' ? size : { min: size, max: size };
  return {
    min: checkCount('size.min', min, 0),
    max: checkCount('size', max, Math.max(1, min)),
    idleTimeout: checkTime('idleTimeout', options.idleTimeout ?? 10_000),
    retries: checkCount('retries', options.retries ?? 0, 0),
    queueLimit: checkCount('queueLimit', options.queueLimit ?? 65_536, 1),
    cancelGrace: checkTime('cancelGrace', options.cancelGrace ?? 1000),
    maxTasks: checkCount('maxTasks', options.maxTasks ?? Infinity, 1),
    maxRss: maxRss === undefined ? undefined : checkCount('maxRss', maxRss, 1),
    spin: checkCount('spin', options.spin ?? 0, 0),
    intensity: checkCount('intensity', options.intensity ?? 10, 0),
    period: checkTime('period', options.period ?? 5000),
    options: options.options,
  };
}

/** A pool starts children as it needs them, and gives nobody a handle on one: pipes to them would be left unread. */
function checkStreams(options: ProcessOptions): void {
  for (const name of ['stdin', 'stdout', 'stderr'] as const) {
    const choice = options[name];
    if (choice === undefined || choice === 'inherit' || choice === 'ignore') continue;
    const reason =
      choice === 'pipe'
        ? "nobody could read or write a worker's pipe"
        : 'an end can move once only, and a pool has many workers';
    throw new TypeError(`options.${name}: expected 'inherit' or 'ignore' for a pool: ${reason}`);
  }
}

/** Throws TypeError unless it is a whole number, or Infinity. */
export function checkCount(name: string, value: number, least: number): number {
  if ((Number.isInteger(value) || value === Infinity) && value >= least) return value;
  throw new TypeError(`${name}: expected a whole number of at least ${String(least)}, not ${show(value)}`);
}

function checkTime(name: string, value: number): number {
  checkMilliseconds(name, value);
  return value;
}

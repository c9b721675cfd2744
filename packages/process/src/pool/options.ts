import { availableParallelism } from 'node:os';
import { checkMilliseconds, checkOptions, optionNames, show } from '@aiopipe/core/internal';
import { checkOptionsAt, type ProcessOptions } from '../start/options.js';

/** Options of a pool. */
export interface PoolOptions {
  /**
   * How many child processes. Default: one for each core. With `{ min, max }`, there are always `min` (default 0), and up to
   * `max` while tasks wait.
   */
  readonly size?: number | { readonly min?: number | undefined; readonly max: number } | undefined;
  /** Milliseconds without a task after which a child over `min` is ended. Default: 10 000. */
  readonly idleTimeout?: number | undefined;
  /** How often a task is given to another child if its child dies, before it rejects. Default: 0. */
  readonly retries?: number | undefined;
  /** How many tasks may wait for a child. One more rejects with QueueFullError. Default: 65 536. */
  readonly queueLimit?: number | undefined;
  /** Milliseconds for a cancelled task to end by itself, before its child is killed and replaced. Default: 1000. */
  readonly cancelGrace?: number | undefined;
  /** How many tasks a child runs before it is replaced. Default: no limit. */
  readonly maxTasks?: number | undefined;
  /** Bytes of memory (resident set size). A child that holds more after a task is replaced. Default: no limit. */
  readonly maxRss?: number | undefined;
  /**
   * Microseconds for which both sides poll for the next message before they sleep, as the channels' option of this name.
   * Default: 0. For many tasks of a few microseconds, asked for one after the other.
   */
  readonly spin?: number | undefined;
  /** How many children may die within `period`. If one more dies, the pool gives up. Default: 10. */
  readonly intensity?: number | undefined;
  /** Milliseconds. Default: 5000. */
  readonly period?: number | undefined;
  /** Options of the children's start. With `daemon`, the pool keeps this process alive only while it has tasks. */
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

/** Throws TypeError if an option is unknown or wrong. */
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

/** The program has no handle on a pool's children, so pipes to them would be left unread. */
function checkStreams(options: ProcessOptions): void {
  for (const name of ['stdin', 'stdout', 'stderr'] as const) {
    const choice = options[name];
    if (choice === undefined || choice === 'inherit' || choice === 'ignore') continue;
    const reason =
      choice === 'pipe'
        ? 'a pool gives no access to the pipe of a worker'
        : 'an end can move only once, and a pool has many workers';
    throw new TypeError(`options.${name}: expected 'inherit' or 'ignore' for a pool: ${reason}`);
  }
}

/** Throws TypeError unless the value is a whole number, or Infinity, of at least `least`. */
export function checkCount(name: string, value: number, least: number): number {
  if ((Number.isInteger(value) || value === Infinity) && value >= least) return value;
  throw new TypeError(`${name}: expected a whole number of at least ${String(least)}, not ${show(value)}`);
}

function checkTime(name: string, value: number): number {
  checkMilliseconds(name, value);
  return value;
}

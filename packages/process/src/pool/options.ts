import { availableParallelism } from 'node:os';
import { checkSpin } from '@aiopipe/codec/internal';
import { checkCount, checkInterval, checkMilliseconds, checkOptions, optionNames, show } from '@aiopipe/core/internal';
import { type Target } from '../target/target.js';
import { checkTarget } from './targets.js';
import { checkOptionsAt, type ProcessOptions } from '../start/options.js';

/**
 * Options of a pool.
 *
 * @example
 * ```ts
 * import { isChild, Pool, target } from '@aiopipe/process';
 *
 * export const square = target(import.meta.url, 'square', (n: number) => n * n);
 *
 * if (!isChild()) {
 *   await using pool = new Pool(square, {
 *     size: { min: 1, max: 4 }, // more than one while tasks wait
 *     retries: 1, // a task is tried again if its worker dies
 *     queueLimit: 1000,
 *     maxTasks: 10_000, // then the worker is replaced
 *     options: { limits: { openFiles: 256 } },
 *   });
 *   console.log(await pool.run(5));
 * }
 * ```
 * ```text
 * 25
 * ```
 */
export interface PoolOptions {
  /**
   * How many child processes, 1024 at most. Default: one for each core. With `{ min, max }`, there are always `min` (default 0), and up to
   * `max` while tasks wait.
   */
  readonly size?: number | { readonly min?: number | undefined; readonly max: number } | undefined;
  /** Milliseconds without a task after which a child over `min` is ended. Default: 10 000. */
  readonly idleTimeout?: number | undefined;
  /** How often a task is given to another child if its child dies, before it rejects. Default: 0. */
  readonly retries?: number | undefined;
  /**
   * How many tasks may wait for a child; `stats.queued` counts them. One more rejects with QueueFullError. Default: 65 536.
   */
  readonly queueLimit?: number | undefined;
  /** Milliseconds for a cancelled task to end by itself, before its child is killed and replaced. Default: 1000. */
  readonly cancelGrace?: number | undefined;
  /** How many tasks a child runs before it is replaced. Default: no limit. */
  readonly maxTasks?: number | undefined;
  /**
   * Bytes of memory (resident set size). A child that holds more after a task is replaced. With `{ bytes, interval }`, the
   * memory of children that run a task is looked at every `interval` milliseconds, and one that holds more is killed: its task
   * rejects, or is given to another child as often as `retries` says. That needs /proc. Default: no limit.
   */
  readonly maxRss?: number | { readonly bytes: number; readonly interval: number } | undefined;
  /**
   * What becomes of the children's stdout and stderr. Default: `'inherit'`, they are this process's. With `'events'` the pool
   * publishes each line as an event `output`, in pieces of 64 KiB if it is longer. `stdout` and `stderr` in `options` go first.
   */
  readonly output?: 'inherit' | 'events' | undefined;
  /**
   * Microseconds for which both sides poll for the next message before they sleep, as the channels' option of this name.
   * Default: 0. For many tasks of a few microseconds, asked for one after the other.
   */
  readonly spin?: number | undefined;
  /**
   * How many children may die within `period`. If one more dies, the pool gives up. A death that uses up a retry of a task
   * does not count. The pool gives up, too, if one more than that die in a row before they are ready while it has no other,
   * however long that takes: the target's module cannot be loaded, say. Default: 10.
   *
   * A start that fails because descriptors, processes or memory are short (EMFILE, EAGAIN, ENOMEM and the like) is no death.
   * It is tried again after 50 ms, and after twice as long each time, up to a second. The pool gives up if more than
   * `intensity` such starts fail in a row while it has no child.
   */
  readonly intensity?: number | undefined;
  /** Milliseconds. Default: 5000. */
  readonly period?: number | undefined;
  /**
   * Called in each child before its first task. Tasks get what it returns from `workerContext()`. If it throws, the child has
   * died.
   */
  readonly setup?: Target<[], unknown> | undefined;
  /**
   * Called in each child that ends because the pool closes, because it is idle, or because of `maxTasks` or `maxRss`: for 5 s at
   * most. A child that dies or is killed does not call it. Disposal of the pool interrupts it.
   */
  readonly teardown?: Target<[], unknown> | undefined;
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
  output: true,
  spin: true,
  intensity: true,
  period: true,
  setup: true,
  teardown: true,
  options: true,
});

/** A Node.js process takes about 40 MB: more of them come from a mistake, and would take the whole machine. */
const MOST_WORKERS = 1024;

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
  /** Milliseconds between two looks at the memory of workers that run tasks. */
  readonly memoryInterval: number | undefined;
  readonly output: 'inherit' | 'events';
  readonly spin: number;
  readonly intensity: number;
  readonly period: number;
  readonly setup: Target<[], unknown> | undefined;
  readonly teardown: Target<[], unknown> | undefined;
  readonly options: ProcessOptions | undefined;
}

/** Throws TypeError if an option is unknown or wrong. */
export function readPoolOptions(options: PoolOptions = {}): PoolSettings {
  checkOptions(options, OPTIONS);
  checkOptionsAt('options', options.options);
  checkStreams(options.options ?? {});
  const { idleTimeout = 10_000, cancelGrace = 1000, period = 5000 } = options;
  const {
    retries = 0,
    queueLimit = 65_536,
    maxTasks = Infinity,
    spin = 0,
    intensity = 10,
    output = 'inherit',
  } = options;
  const { maxRss, memoryInterval } = memoryLimit(options.maxRss);
  checkMilliseconds('idleTimeout', idleTimeout);
  checkCount('retries', retries);
  checkCount('queueLimit', queueLimit, { least: 1, of: 'tasks' });
  checkMilliseconds('cancelGrace', cancelGrace);
  checkCount('maxTasks', maxTasks, { least: 1 });
  if (!(['inherit', 'events'] as unknown[]).includes(output))
    throw new TypeError(`output: expected 'inherit' or 'events', not ${show(output)}`);
  checkSpin(spin);
  checkCount('intensity', intensity);
  checkInterval('period', period);
  const { setup, teardown } = options;
  if (setup !== undefined) checkTarget(setup, 'setup');
  if (teardown !== undefined) checkTarget(teardown, 'teardown');
  const rest = {
    retries,
    queueLimit,
    maxTasks,
    maxRss,
    memoryInterval,
    output,
    spin,
    intensity,
    setup,
    teardown,
    options: options.options,
  };
  return { ...sizeOf(options.size), idleTimeout, cancelGrace, period, ...rest };
}

const MEMORY = optionNames<Extract<PoolOptions['maxRss'], object>>({ bytes: true, interval: true });

function memoryLimit(limit: PoolOptions['maxRss']): Pick<PoolSettings, 'maxRss' | 'memoryInterval'> {
  if (typeof limit !== 'object' || (limit as unknown) === null) {
    checkCount('maxRss', limit, { least: 1, of: 'bytes' });
    return { maxRss: limit as number | undefined, memoryInterval: undefined };
  }
  checkOptions(limit, MEMORY, 'maxRss');
  checkCount('maxRss.bytes', limit.bytes, { least: 1, of: 'bytes' });
  checkInterval('maxRss.interval', limit.interval);
  for (const name of ['bytes', 'interval'] as const)
    if ((limit[name] as unknown) === undefined) throw new TypeError(`maxRss.${name}: expected a number, not undefined`);
  return { maxRss: limit.bytes, memoryInterval: limit.interval };
}

function sizeOf(size: PoolOptions['size'] = availableParallelism()): { min: number; max: number } {
  if (typeof size !== 'object' || (size as unknown) === null) {
    checkCount('size', size, { least: 1, most: MOST_WORKERS, of: 'workers' });
    return { min: size as number, max: size as number };
  }
  checkOptions(size, SIZES, 'size');
  const { min = 0, max } = size;
  checkCount('size.min', min, { most: MOST_WORKERS, of: 'workers' });
  if ((max as unknown) === undefined) throw new TypeError('size.max: expected the most workers that there may be');
  checkCount('size.max', max, { least: Math.max(1, min), most: MOST_WORKERS, of: 'workers' });
  return { min, max };
}

/** The program has no handle on a pool's children, so pipes to them would be left unread. */
function checkStreams(options: ProcessOptions): void {
  for (const name of ['stdin', 'stdout', 'stderr'] as const) {
    const choice = options[name];
    if (choice === undefined || choice === 'inherit' || choice === 'ignore') continue;
    const reason =
      choice === 'pipe'
        ? "a pool gives no access to the pipe of a worker: use the pool's option output: 'events'"
        : 'an end can move only once, and a pool has many workers';
    throw new TypeError(`options.${name}: expected 'inherit' or 'ignore' for a pool: ${reason}`);
  }
}

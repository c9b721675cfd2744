import { availableParallelism } from 'node:os';
import { checkSpin } from '@aiopipe/codec/internal';
import {
  checkCount,
  checkGivenInterval,
  checkInterval,
  checkMilliseconds,
  checkOptions,
  instead,
  optionNames,
  show,
} from '@aiopipe/core/internal';
import { type Target } from '../target/target.js';
import { checkPoolTarget } from './targets.js';
import { checkOptionsAt, IN_OPTIONS, type ProcessOptions } from '../start/options.js';

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
 *     size: { min: 1, max: 4 }, // up to 4 workers while tasks wait
 *     retries: 1, // if the worker of a task dies, another worker runs the task
 *     queueLimit: 1000,
 *     maxTasks: 10_000, // the pool replaces a worker after so many tasks
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
   * The number of workers (child processes), 1024 at most. Default: one for each core. With `{ min, max }`, the pool always has `min`
   * workers (default 0), and up to `max` while tasks wait.
   */
  readonly size?: number | { readonly min?: number | undefined; readonly max: number } | undefined;
  /** Milliseconds. The pool ends a worker over `min` that had no task for this time. Default: 10 000. */
  readonly idleTimeout?: number | undefined;
  /** How often the pool gives a task to another worker if its worker dies. Then the task rejects. Default: 0. */
  readonly retries?: number | undefined;
  /** The most tasks that may wait in the queue (`stats.queued`); if it is full, a call rejects with QueueFullError. Default: 65 536. */
  readonly queueLimit?: number | undefined;
  /** Milliseconds. If a cancelled task still runs after this time, the pool kills and replaces its worker. Default: 1000. */
  readonly cancelGrace?: number | undefined;
  /** The pool replaces a worker after this number of tasks. Default: no limit. */
  readonly maxTasks?: number | undefined;
  /**
   * Bytes of memory (resident set size). The pool replaces a worker that holds more after a task. With `{ bytes, interval }`, the pool
   * also checks the workers that run a task, every `interval` milliseconds, and kills a worker that holds more. The task of a killed
   * worker rejects, or another worker runs it if it has `retries` left. `interval` needs /proc. Default: no limit.
   */
  readonly maxRss?: number | { readonly bytes: number; readonly interval: number } | undefined;
  /**
   * Where the stdout and stderr of the workers go. Default: `'inherit'`, to those of this process. With `'events'` the pool publishes
   * each line as an event `output`. It divides a line of more than 64 KiB into several events. If `options` sets `stdout` or `stderr`,
   * that setting holds for this stream.
   */
  readonly output?: 'inherit' | 'events' | undefined;
  /**
   * Microseconds for which this process and the workers poll for the next message before they sleep, as the option `spin` of a channel.
   * Use it if your program calls many tasks of a few microseconds one after another. Default: 0.
   */
  readonly spin?: number | undefined;
  /**
   * If more than `intensity` workers die within `period`, the pool gives up. A death that uses up a retry of a task does not count.
   * Default: 10.
   *
   * The pool also gives up if it has no worker, and more than `intensity` workers in a row have died before they were ready. The time
   * does not matter then. This happens, for example, if the module of the target cannot be loaded.
   *
   * If the system has too few descriptors or processes, or too little memory (EMFILE, EAGAIN, ENOMEM and the like), a start fails. That is
   * not a death. The pool tries again after 50 ms, and then after twice the time before, up to a second. It gives up if it has no worker,
   * and more than `intensity` such starts in a row have failed.
   */
  readonly intensity?: number | undefined;
  /** Milliseconds: the time for `intensity`. Default: 5000. */
  readonly period?: number | undefined;
  /**
   * Each worker calls this target before its first task. In a task, `workerContext()` returns the value that the target returned. If
   * the target throws, this counts as a death of the worker.
   */
  readonly setup?: Target<[], unknown> | undefined;
  /**
   * A worker calls this target before it ends: if the pool closes, if the worker is idle, or because of `maxTasks` or `maxRss`. It may
   * take 5 seconds. A worker that dies or is killed does not call it. Disposal of the pool interrupts it.
   */
  readonly teardown?: Target<[], unknown> | undefined;
  /** Options of `startProcess()` for the workers. With `daemon: true`, the pool keeps this process alive only while it has tasks. */
  readonly options?: ProcessOptions | undefined;
}

const NAMES = {
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
} as const;

/** What calls say that have no options of the pool and of its processes. */
export const OF_THE_POOL = {
  ...instead(Object.keys(IN_OPTIONS), 'the pool has it: new Pool(…, { options: { * } })'),
  ...instead(Object.keys(NAMES), 'the pool has it: new Pool(…, { * })'),
};

const OPTIONS = optionNames<PoolOptions>(NAMES, {
  ...IN_OPTIONS,
  ...instead(['stdout', 'stderr'], "write output: 'events' for events with the lines, or options: { *: 'ignore' }"),
  stdio: "write output: 'events' for events with the lines, or options: { stdout, stderr }",
  ...instead(['signal', 'timeout', 'priority', 'key'], 'tasks have it: pool.with({ * })'),
  ...instead(
    ['concurrency', 'max', 'maxThreads', 'maxWorkers', 'numWorkers', 'processes', 'threads', 'workers'],
    'write size: 4, or size: { min, max }',
  ),
  ...instead(['min', 'minThreads', 'minWorkers'], 'write size: { min, max }'),
  concurrentTasksPerWorker: 'a worker runs one task at a time',
  taskTimeout: 'tasks have it: pool.with({ timeout })',
  ...instead(['maxQueue', 'maxQueueSize'], 'write queueLimit'),
  ...instead(['closeTimeout', 'terminateTimeout'], 'write pool.close({ timeout })'),
  ...instead(['killTimeout', 'cancelTimeout'], 'write cancelGrace'),
  maxRestarts: 'write intensity: how many workers may die within period',
  resourceLimits: 'write options: { limits }, or maxRss',
  maxMemory: 'write options: { limits: { memory } }, or maxRss',
  workerData: 'write setup; workerContext() returns its value in a task',
});

/** A Node.js process takes about 40 MB. A larger number is a mistake, and would use up the memory of the machine. */
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
  /** Milliseconds between two checks of the memory of workers that run tasks. */
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
  if (setup !== undefined) checkPoolTarget(setup, 'setup');
  if (teardown !== undefined) checkPoolTarget(teardown, 'teardown');
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
  checkCount('maxRss.bytes', limit.bytes, { least: 1, of: 'bytes', isNeeded: true });
  checkGivenInterval('maxRss.interval', limit.interval);
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
  checkCount('size.max', max, { least: Math.max(1, min), most: MOST_WORKERS, of: 'workers', isNeeded: true });
  return { min, max };
}

/** Throws TypeError for pipes, files and ends: all workers have the same streams, and the program could not read their pipes. */
function checkStreams(options: ProcessOptions): void {
  for (const name of ['stdin', 'stdout', 'stderr'] as const) {
    const choice = options[name];
    if (choice === undefined || choice === 'inherit' || choice === 'ignore') continue;
    const remedy =
      name === 'stdin'
        ? 'pass the data as arguments of the task'
        : "to get what workers write, use the pool's option output: 'events'";
    throw new TypeError(`options.${name}: expected 'inherit' or 'ignore' for a pool, not ${show(choice)}; ${remedy}`);
  }
}

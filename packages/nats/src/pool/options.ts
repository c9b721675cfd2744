import { type DecodeLimits } from '@aiopipe/codec';
import { type WaitOptions } from '@aiopipe/core';
import { checkCount, checkOptions, optionNames, refuse, show } from '@aiopipe/core/internal';
import { checkHeader, checkToken } from '../names.js';

/**
 * Options of tasks on a cluster.
 *
 * @see the example of {@link ClusterPool}
 */
export interface ClusterTaskOptions extends WaitOptions {
  /**
   * How often a task is tried again if its worker or its machine dies, before it rejects and goes to the dead letters. With 0, the
   * task runs at most once. Default: 3.
   */
  readonly retries?: number | undefined;
  /**
   * Default: 0. Tasks of a priority above 0 come before all others that wait. Among themselves, they come in the order of the calls;
   * those that a machine has taken already, in the order of their priority.
   */
  readonly priority?: number | undefined;
  /**
   * On each machine, tasks with the same key go to the same worker while it lives. At most 16 384 bytes in a message. Default: any
   * worker.
   */
  readonly key?: string | number | undefined;
}

const TASK_NAMES = { signal: true, timeout: true, retries: true, priority: true, key: true } as const;

export const TASK_OPTIONS = optionNames<ClusterTaskOptions>(TASK_NAMES);

/**
 * Options of `cluster.pool()`.
 *
 * @see the example of {@link ClusterPool}
 */
export interface ClusterPoolOptions {
  /** The version of the target. Only machines that serve this version take the tasks. Default: `'1'`. */
  readonly version?: string | undefined;
  /** See {@link ClusterTaskOptions}. Default: 3. */
  readonly retries?: number | undefined;
  /** Bounds of what a result may hold. Default: those of the cluster. */
  readonly limits?: DecodeLimits | undefined;
}

const POOL_OPTIONS = optionNames<ClusterPoolOptions>({ version: true, retries: true, limits: true });

export const DEFAULT_VERSION = '1';
const DEFAULT_RETRIES = 3;

/** {@link ClusterTaskOptions}, checked. */
export interface TaskSettings extends WaitOptions {
  readonly retries: number;
  readonly priority: number;
  readonly key: string | number | undefined;
}

/** Throws TypeError for wrong options, but not for a signal that is aborted. */
export function taskSettings(options: ClusterTaskOptions): TaskSettings {
  const refusal = refuse(options, TASK_OPTIONS);
  if (refusal instanceof TypeError) throw refusal;
  const { signal, timeout, retries = DEFAULT_RETRIES, priority = 0, key } = options;
  checkCount('retries', retries, { most: 1_000_000 });
  if (!(typeof priority === 'number' && Number.isFinite(priority) && priority >= 0)) {
    throw new TypeError(`priority: expected a finite number, 0 or more, not ${show(priority)}`);
  }
  if (!(key === undefined || typeof key === 'string' || (typeof key === 'number' && !Number.isNaN(key)))) {
    throw new TypeError(`key: expected a string or a number, not ${show(key)}`);
  }
  if (typeof key === 'string') checkHeader('key', keyHeader(key), KEY_HINT);
  return { signal, timeout, retries, priority, key };
}

const KEY_HINT = '; most characters but letters and digits take 3 bytes or more';

/** Returns a key as its header has it. */
export function keyHeader(key: string | number): string {
  return encodeURIComponent(JSON.stringify(key));
}

export function checkPoolOptions(options: ClusterPoolOptions): void {
  checkOptions(options, POOL_OPTIONS);
  checkCount('retries', options.retries, { most: 1_000_000 });
  if (options.version !== undefined) checkToken('version', options.version);
}

/**
 * Options of `map()`.
 *
 * @see the example of {@link ClusterPool}
 */
export interface ClusterMapOptions {
  /** How many tasks may be sent before their results are taken. Default: 64. */
  readonly concurrency?: number | undefined;
  /** Whether results come in the order of the items (default), or as soon as they are there. */
  readonly ordered?: boolean | undefined;
  /** Whether each item is a list of arguments. Default: false, each item is the only argument. */
  readonly spread?: boolean | undefined;
}

export const MAP_OPTIONS = optionNames<ClusterMapOptions>({ concurrency: true, ordered: true, spread: true });

export const DEFAULT_CONCURRENCY = 64;

import { hostname } from 'node:os';
import { type DecodeLimits } from '@aiopipe/codec';
import { checkCount, checkMilliseconds, checkOptions, show } from '@aiopipe/core/internal';
import { type AnyTarget, type PoolOptions } from '@aiopipe/process';
import { checkTarget } from '@aiopipe/process/internal';
import { checkToken } from '../names.js';
import { DEFAULT_VERSION } from '../pool/options.js';

/**
 * Options of `cluster.serve()`: those of its local `Pool`, and these.
 *
 * @see the example of {@link Machine}
 */
export interface ServeOptions extends Omit<PoolOptions, 'retries' | 'queueLimit'> {
  /** The machine's name in errors, events and statistics. Default: the host's name and the process id. */
  readonly name?: string | undefined;
  /** The version of the targets. Tasks for other versions are left to other machines. Default: `'1'`. */
  readonly version?: string | undefined;
  /**
   * How many tasks the machine takes ahead, besides those of its free workers. More of them make short tasks faster, because the next
   * one is there when a worker is free, and keep them from other machines. Default: 0.
   */
  readonly prefetch?: number | undefined;
  /** Milliseconds that tasks have to end when the machine is disposed of. Default: 10 000. */
  readonly drainTimeout?: number | undefined;
  /** Bounds of what the arguments of a task may hold. Default: those of the cluster. */
  readonly limits?: DecodeLimits | undefined;
}

/**
 * The targets of a machine, by the names that callers use.
 *
 * @see the example of {@link Machine}
 */
export type ServedTargets = Readonly<Record<string, AnyTarget>>;

/** {@link ServeOptions}, checked. The local pool checks its own. */
export interface ServeSettings {
  readonly name: string;
  readonly version: string;
  readonly prefetch: number;
  readonly drainTimeout: number;
  readonly limits: DecodeLimits | undefined;
  readonly pool: PoolOptions;
}

const DRAIN_TIMEOUT = 10_000;
const MOST_PREFETCHED = 10_000;

/** Options of a pool that a machine does not have. */
const ELSEWHERE = {
  retries: 'callers pass it to cluster.pool()',
  queueLimit: 'pass it to Cluster.open()',
};

export function serveSettings(options: ServeOptions = {}): ServeSettings {
  // An object at all: its names are checked by the pool.
  checkOptions(options, { names: new Set(Object.keys((options as ServeOptions | null) ?? {})) });
  const {
    name = `${hostname()}-${String(process.pid)}`,
    version = DEFAULT_VERSION,
    prefetch = 0,
    drainTimeout = DRAIN_TIMEOUT,
    limits,
    ...pool
  } = options;
  checkToken('name', name);
  checkToken('version', version);
  checkCount('prefetch', prefetch, { most: MOST_PREFETCHED, of: 'tasks' });
  checkMilliseconds('drainTimeout', drainTimeout);
  for (const [refused, remedy] of Object.entries(ELSEWHERE)) {
    if (refused in pool) throw new TypeError(`${refused}: no option of serve(); ${remedy}`);
  }
  return { name, version, prefetch, drainTimeout, limits, pool };
}

export function checkTargets(targets: unknown): asserts targets is ServedTargets {
  if (typeof targets !== 'object' || targets === null || Object.keys(targets).length === 0) {
    throw new TypeError(
      `targets: expected an object of targets by their names, such as { half }, not ${show(targets)}`,
    );
  }
  for (const [name, target] of Object.entries(targets)) {
    checkToken('targets', name);
    // Here, because the message of the pool would name a call that the user has not made.
    checkTarget(target, `targets.${name}`);
  }
}

import { type DecodeLimits } from '@aiopipe/codec';
import { checkCount, checkInterval, checkOptions, optionNames, show } from '@aiopipe/core/internal';
import { type Keeping } from '../message/bodies.js';
import { limitsOf } from '../message/limits.js';
import { checkToken } from '../names.js';

/**
 * Options of `Cluster.open()`. All members of a cluster must have the same ones, but for `limits` and `maxMessageLength`.
 *
 * @example
 * ```ts
 * import { Cluster } from '@aiopipe/nats';
 * import { connect } from '@nats-io/transport-node';
 *
 * const nc = await connect({ servers: 'nats://127.0.0.1:4222' });
 * const cluster = await Cluster.open(nc, { name: 'orders', storage: 'memory', replicas: 1, lease: 5000 });
 * console.log(cluster.name);
 * await cluster[Symbol.asyncDispose]();
 * await nc.close();
 * ```
 * ```text
 * orders
 * ```
 */
export interface ClusterOptions {
  /** Names the cluster: its streams and subjects begin with `aiopipe` and this name. */
  readonly name: string;
  /** How many servers keep each message, 1 to 5; 1, 3 or 5 are best. Default: 1. */
  readonly replicas?: number | undefined;
  /** Where the servers keep messages. What is in memory is lost if a server without replicas ends. Default: `'file'`. */
  readonly storage?: 'file' | 'memory' | undefined;
  /**
   * Milliseconds without a sign of life of a machine or a reader after which its tasks and messages are delivered to others. The
   * lease is renewed while a task runs, so it may be shorter than a task. Default: 30 000.
   */
  readonly lease?: number | undefined;
  /** How many tasks may wait or run. With one more, `run()` rejects with QueueFullError. Default: 1 000 000. */
  readonly queueLimit?: number | undefined;
  /** JetStream's domain, if the server is a leaf node. */
  readonly domain?: string | undefined;
  /** Bytes of the longest message. Default: 256 MiB. */
  readonly maxMessageLength?: number | undefined;
  /**
   * Bounds of what a message, arguments or a result may hold. Default: 1000 levels, 10 000 000 values, 512 MiB of memory.
   */
  readonly limits?: DecodeLimits | undefined;
}

const OPTIONS = optionNames<ClusterOptions>({
  name: true,
  replicas: true,
  storage: true,
  lease: true,
  queueLimit: true,
  domain: true,
  maxMessageLength: true,
  limits: true,
});

const LEASE = 30_000;
const QUEUE_LIMIT = 1_000_000;
const MAX_MESSAGE_LENGTH = 256 * 1024 * 1024;
const MOST_REPLICAS = 5;

/** {@link ClusterOptions}, checked. */
export interface ClusterSettings {
  readonly name: string;
  readonly keeping: Keeping;
  readonly lease: number;
  readonly queueLimit: number;
  readonly domain: string | undefined;
  readonly maxMessageLength: number;
  readonly limits: DecodeLimits;
}

/** @param options - callers without types may leave them out */
export function clusterSettings(options: Partial<ClusterOptions> = {}): ClusterSettings {
  checkOptions(options, OPTIONS);
  const { name, replicas = 1, storage = 'file', lease = LEASE, queueLimit = QUEUE_LIMIT, domain } = options;
  const { maxMessageLength = MAX_MESSAGE_LENGTH } = options;
  checkToken('name', name);
  checkCount('replicas', replicas, { least: 1, most: MOST_REPLICAS, of: 'servers' });
  if (!(['file', 'memory'] as unknown[]).includes(storage)) {
    throw new TypeError(`storage: expected 'file' or 'memory', not ${show(storage)}`);
  }
  checkInterval('lease', lease);
  checkCount('queueLimit', queueLimit, { least: 1, of: 'tasks' });
  if (domain !== undefined) checkToken('domain', domain);
  checkCount('maxMessageLength', maxMessageLength, { least: 1, of: 'bytes' });
  const limits = limitsOf(options.limits);
  return { name, keeping: { replicas, storage }, lease, queueLimit, domain, maxMessageLength, limits };
}

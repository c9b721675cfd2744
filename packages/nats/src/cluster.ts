import { type DecodeLimits } from '@aiopipe/codec';
import { ClosedError } from '@aiopipe/core';
import { checkCount, checkInterval, checkOptions, handled, optionNames, show } from '@aiopipe/core/internal';
import { type AnyTarget, type Target } from '@aiopipe/process';
import { AckPolicy, DeliverPolicy, DiscardPolicy, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { nanos, nuid, type NatsConnection } from '@nats-io/transport-node';
import {
  readerSettings,
  writerSettings,
  type ClusterReaderOptions,
  type ClusterWriterOptions,
} from './channel/options.js';
import { ClusterReader } from './channel/reader.js';
import { consumerName, DUPLICATES, ensureChannel, ensureReader, MAX_WAITING, TOPIC_AGE } from './channel/store.js';
import { ClusterWriter } from './channel/writer.js';
import { Engine } from './engine/engine.js';
import { Leases } from './engine/leases.js';
import { Bodies, type Keeping } from './message/bodies.js';
import { limitsOf } from './message/limits.js';
import { checkToken, LANES, Names } from './names.js';
import { ClusterPool } from './pool/cluster-pool.js';
import { Desk } from './pool/desk.js';
import { checkPoolOptions, DEFAULT_VERSION, type ClusterPoolOptions } from './pool/options.js';
import { Machine } from './serve/machine.js';
import { checkTargets, serveSettings, type ServedTargets, type ServeOptions } from './serve/options.js';
import { DEAD_LETTERS, type DeadTask } from './task/answers.js';

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
  /** How many servers keep each message, 1, 3 or 5. Default: 1. */
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
/** Milliseconds for which a claim is kept whose task was never settled. */
const CLAIM_AGE = 7 * 24 * 3_600_000;
const MOST_REPLICAS = 5;

/**
 * The arguments of a target.
 *
 * @see the example of {@link ClusterPool}
 */
export type ArgsOf<Kind> = Kind extends Target<infer Args, unknown> ? Args : never;
/**
 * What a target returns.
 *
 * @see the example of {@link ClusterPool}
 */
export type ResultOf<Kind> = Kind extends Target<never, infer Result> ? Result : never;

/** What `close()` of the cluster ends. */
type Member = AsyncDisposable;

/**
 * Channels and pools over many machines, on NATS with JetStream.
 *
 * @example
 * ```ts
 * import { Cluster } from '@aiopipe/nats';
 * import { isChild, target } from '@aiopipe/process';
 * import { connect } from '@nats-io/transport-node';
 *
 * export const square = target(import.meta.url, 'square', (n: number) => n * n);
 *
 * if (!isChild()) {
 *   const nc = await connect({ servers: 'nats://127.0.0.1:4222' });
 *   {
 *     await using cluster = await Cluster.open(nc, { name: 'numbers' });
 *     await using machine = await cluster.serve({ square }, { size: 1 }); // on each machine that works
 *     console.log(await cluster.pool<typeof square>('square').run(5)); // on each that wants work done
 *   }
 *   await nc.close();
 * }
 * ```
 * ```text
 * 25
 * ```
 */
export class Cluster implements AsyncDisposable {
  /** The name of the cluster. */
  readonly name: string;
  readonly #engine: Engine;
  readonly #names: Names;
  readonly #keeping: Keeping;
  readonly #lease: number;
  readonly #limits: DecodeLimits;
  readonly #longest: number;
  readonly #bodies: Bodies;
  readonly #leases: Leases;
  readonly #desk: Desk;
  readonly #members = new Set<Member>();
  #deadLetters: ClusterWriter<DeadTask> | undefined;
  #isClosed = false;

  private constructor(engine: Engine, options: ClusterOptions) {
    const { name, replicas = 1, storage = 'file', lease = LEASE, maxMessageLength = MAX_MESSAGE_LENGTH } = options;
    this.name = name;
    this.#engine = engine;
    this.#names = new Names(name);
    this.#keeping = { replicas, storage };
    this.#lease = lease;
    this.#limits = limitsOf(options.limits);
    this.#longest = maxMessageLength;
    this.#bodies = new Bodies(engine, { name: this.#names.large }, this.#keeping, this.#longest);
    this.#leases = new Leases(lease);
    this.#desk = new Desk(engine, this.#names);
  }

  /**
   * Opens a cluster over a connection, which stays yours: close it after the cluster. What the cluster needs on the server is
   * created, if it is not there.
   *
   * @throws TypeError if an option is wrong
   * @throws ClusterError if the cluster exists with other settings, or the server has no JetStream
   */
  static async open(nc: NatsConnection, options: ClusterOptions): Promise<Cluster> {
    if (typeof (nc as Partial<NatsConnection> | undefined)?.subscribe !== 'function') {
      throw new TypeError(`Cluster.open: expected a connection of @nats-io/transport-node, not ${show(nc)}`);
    }
    check(options);
    const engine = await Engine.open(nc, options.domain);
    const cluster = new Cluster(engine, options);
    try {
      await cluster.#ensureTasks(options.queueLimit ?? QUEUE_LIMIT);
    } catch (error) {
      cluster.#leases.close();
      engine.close();
      throw error;
    }
    return cluster;
  }

  /** Returns the writing end of a channel, which is created if it is not there. */
  writer<Send = unknown>(name: string, options?: ClusterWriterOptions): ClusterWriter<Send> {
    this.#assertOpen();
    checkToken('name', name);
    const settings = writerSettings(options);
    const place = this.#names.channel(settings.kind, name);
    const writer = ClusterWriter.make<Send>({
      engine: this.#engine,
      bodies: this.#bodiesOf(name, settings),
      place,
      isTopic: settings.kind === 'topic',
      context: settings.context,
      ensure: () => ensureChannel(this.#engine, place, settings, this.#keeping),
      onClose: () => this.#members.delete(writer),
    });
    this.#members.add(writer);
    return writer;
  }

  /** Returns a reading end of a channel, which is created if it is not there. */
  reader<Receive = unknown>(name: string, options?: ClusterReaderOptions): ClusterReader<Receive> {
    this.#assertOpen();
    checkToken('name', name);
    const settings = readerSettings(options);
    const { kind, durable, prefetch } = settings;
    const engine = this.#engine;
    const place = this.#names.channel(kind, name);
    const consumer = consumerName(settings, nuid.next());
    const reader = ClusterReader.make<Receive>({
      engine,
      bodies: this.#bodiesOf(name, settings),
      leases: this.#leases,
      place,
      isTopic: kind === 'topic',
      consumer,
      prefetch,
      limits: limitsOf({ ...this.#limits, ...settings.limits }),
      ensure: async (after) => {
        await ensureChannel(engine, place, settings, this.#keeping);
        await ensureReader(engine, place, settings, { lease: this.#lease, name: consumer, after });
      },
      onClose: () => {
        this.#members.delete(reader);
        const isOwn = kind === 'topic' && durable === undefined;
        if (isOwn && !engine.isClosed) void handled(engine.jsm.consumers.delete(place.stream, consumer));
      },
    });
    this.#members.add(reader);
    return reader;
  }

  /** Returns the dead letters: a queue of the tasks whose workers or machines died until no retry was left. */
  deadLetters(): ClusterReader<DeadTask> {
    return this.reader<DeadTask>(DEAD_LETTERS);
  }

  /**
   * Returns the calls of a target on the machines that serve it under this name.
   *
   * ```ts
   * const pool = cluster.pool<typeof hash>('thumbs/hash');
   * ```
   */
  pool<Kind extends AnyTarget = Target<unknown[]>>(
    name: string,
    options: ClusterPoolOptions = {},
  ): ClusterPool<ArgsOf<Kind>, ResultOf<Kind>> {
    this.#assertOpen();
    checkToken('name', name);
    checkPoolOptions(options);
    const { version = DEFAULT_VERSION, retries, limits } = options;
    this.#desk.want({ target: name, version });
    return ClusterPool.make(
      {
        engine: this.#engine,
        bodies: this.#bodies,
        names: this.#names,
        desk: this.#desk,
        target: name,
        version,
        limits: limitsOf({ ...this.#limits, ...limits }),
      },
      retries === undefined ? {} : { retries },
    );
  }

  /** Starts a local pool, and serves tasks of these targets with it. Resolves when it takes tasks. */
  async serve(targets: ServedTargets, options?: ServeOptions): Promise<Machine> {
    this.#assertOpen();
    checkTargets(targets);
    const settings = serveSettings(options);
    await this.#ensureClaims();
    const machine = await Machine.make({
      engine: this.#engine,
      bodies: this.#bodies,
      leases: this.#leases,
      names: this.#names,
      limits: limitsOf({ ...this.#limits, ...settings.limits }),
      targets,
      settings,
      ensure: (target) => this.#ensureTarget(target, settings.version),
      bury: (task) => {
        this.#deadLetters ??= this.writer<DeadTask>(DEAD_LETTERS);
        return this.#deadLetters.put(task, { id: task.id });
      },
      onClose: () => this.#members.delete(machine),
    });
    this.#members.add(machine);
    return machine;
  }

  /**
   * Closes machines, as their disposal does, then writers, readers and pools. Tasks whose callers wait reject with ClosedError.
   * The connection stays open.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // Machines first: they write to the dead letters.
    const members = [...this.#members];
    const machines = members.filter((member) => member instanceof Machine);
    await Promise.all(machines.map((machine) => machine[Symbol.asyncDispose]()));
    await Promise.all(
      members.filter((member) => !(member instanceof Machine)).map((member) => member[Symbol.asyncDispose]()),
    );
    await this.#deadLetters?.[Symbol.asyncDispose]();
    this.#desk.close();
    this.#leases.close();
    await this.#engine.flush();
    this.#engine.close();
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new ClosedError(`the cluster ${this.name} is closed`);
  }

  #bodiesOf(name: string, settings: { readonly kind: 'queue' | 'topic'; readonly maxAge: number | undefined }): Bodies {
    if (settings.kind === 'queue') return this.#bodies;
    const bucket = { name: this.#names.largeOfTopic(name), maxAge: settings.maxAge ?? TOPIC_AGE };
    return new Bodies(this.#engine, bucket, this.#keeping, this.#longest);
  }

  get #kept(): { readonly storage: StorageType; readonly num_replicas: number } {
    const { replicas, storage } = this.#keeping;
    return { storage: storage === 'file' ? StorageType.File : StorageType.Memory, num_replicas: replicas };
  }

  #ensureTasks(queueLimit: number): Promise<void> {
    const settings = {
      name: this.#names.tasks,
      subjects: [this.#names.tasksSubject],
      retention: RetentionPolicy.Workqueue,
      discard: DiscardPolicy.New,
      max_msgs: queueLimit === Infinity ? -1 : queueLimit,
      duplicate_window: nanos(DUPLICATES),
      ...this.#kept,
    };
    return this.#engine.ensureStream(settings, `the cluster ${this.name}`);
  }

  #ensureClaims(): Promise<void> {
    const settings = {
      name: this.#names.claims,
      subjects: [this.#names.claimsSubject],
      retention: RetentionPolicy.Limits,
      max_age: nanos(CLAIM_AGE),
      ...this.#kept,
    };
    return this.#engine.ensureStream(settings, `the cluster ${this.name}`);
  }

  async #ensureTarget(target: string, version: string): Promise<void> {
    for (const lane of LANES) {
      const settings = {
        durable_name: this.#names.taskConsumer(target, version, lane),
        deliver_policy: DeliverPolicy.All,
        ack_policy: AckPolicy.Explicit,
        ack_wait: nanos(this.#lease),
        filter_subject: this.#names.task(target, version, lane),
        max_ack_pending: 100_000,
        max_waiting: MAX_WAITING,
      };
      await this.#engine.ensureConsumer(this.#names.tasks, settings, `the queue of the target ${target}`);
    }
  }
}

function check(options: ClusterOptions): void {
  checkOptions(options, OPTIONS);
  const { name, replicas, storage, lease, queueLimit, domain, maxMessageLength, limits } = options;
  checkToken('name', name);
  checkCount('replicas', replicas, { least: 1, most: MOST_REPLICAS, of: 'servers' });
  if (storage !== undefined && !(['file', 'memory'] as unknown[]).includes(storage)) {
    throw new TypeError(`storage: expected 'file' or 'memory', not ${show(storage)}`);
  }
  checkInterval('lease', lease);
  checkCount('queueLimit', queueLimit, { least: 1, of: 'tasks' });
  if (domain !== undefined) checkToken('domain', domain);
  checkCount('maxMessageLength', maxMessageLength, { least: 1, of: 'bytes' });
  limitsOf(limits);
}

import { type DecodeLimits } from '@aiopipe/codec';
import { ClosedError } from '@aiopipe/core';
import { handled, ObservedLives, show } from '@aiopipe/core/internal';
import { type AnyTarget, type Target } from '@aiopipe/process';
import { nuid, type NatsConnection } from '@nats-io/transport-node';
import {
  readerSettings,
  writerSettings,
  type ClusterReaderOptions,
  type ClusterWriterOptions,
} from '../channel/options.js';
import { ClusterReader } from '../channel/reader.js';
import { consumerName, ensureChannel, keptReader, TOPIC_AGE } from '../channel/store.js';
import { ClusterWriter } from '../channel/writer.js';
import { Engine } from '../engine/engine.js';
import { Leases } from '../engine/leases.js';
import { Bodies, type Keeping } from '../message/bodies.js';
import { limitsOf } from '../message/limits.js';
import { checkToken, Names } from '../names.js';
import { ClusterPool } from '../pool/cluster-pool.js';
import { Desk } from '../pool/desk.js';
import { checkPoolOptions, DEFAULT_VERSION, type ClusterPoolOptions } from '../pool/options.js';
import { type ObservedClusterPool } from '../pool/observed-pool.js';
import { Machine } from '../serve/machine.js';
import { checkTargets, serveSettings, type ServedTargets, type ServeOptions } from '../serve/options.js';
import { DEAD_LETTERS, type DeadTask } from '../task/answers.js';
import { Courier } from '../task/courier.js';
import { TaskStore } from '../task/store.js';
import { type ObservedCluster } from './observed-cluster.js';
import { clusterSettings, type ClusterOptions, type ClusterSettings } from './options.js';

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

const observed = new ObservedLives<ObservedCluster, never>('cluster');

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
export class Cluster implements AsyncDisposable, ObservedCluster {
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
  readonly #store: TaskStore;
  readonly #courier: Courier;
  readonly #desk: Desk;
  readonly #members = new Set<Member>();
  #deadLetters: ClusterWriter<DeadTask> | undefined;
  #closing: Promise<void> | undefined;

  private constructor(engine: Engine, settings: ClusterSettings) {
    const { name, keeping, lease, queueLimit, limits, maxMessageLength } = settings;
    this.name = name;
    this.#engine = engine;
    this.#names = new Names(name);
    this.#keeping = keeping;
    this.#lease = lease;
    this.#limits = limits;
    this.#longest = maxMessageLength;
    this.#bodies = new Bodies(engine, { name: this.#names.large }, keeping, maxMessageLength);
    this.#leases = new Leases(lease);
    this.#store = new TaskStore(engine, this.#names, keeping, lease, queueLimit);
    this.#courier = new Courier(engine);
    this.#desk = new Desk(engine, this.#names);
  }

  /**
   * Opens a cluster over a connection, which stays yours: close it after the cluster. What the cluster needs on the server is
   * created, if it is not there.
   *
   * @throws TypeError if an option is wrong
   * @throws ClusterError if the cluster exists with other options, or the server has no JetStream
   */
  static async open(nc: NatsConnection, options: ClusterOptions): Promise<Cluster> {
    if (typeof (nc as Partial<NatsConnection> | undefined)?.subscribe !== 'function') {
      throw new TypeError(`Cluster.open: expected a connection of @nats-io/transport-node, not ${show(nc)}`);
    }
    const settings = clusterSettings(options);
    const engine = await Engine.open(nc, settings.domain);
    const cluster = new Cluster(engine, settings);
    try {
      await cluster.#keepTasks();
    } catch (error) {
      cluster.#leases.close();
      engine.close();
      throw error;
    }
    observed.opened(cluster);
    return cluster;
  }

  /** The machines of this cluster that this process serves with, and that are not closed. */
  get machines(): readonly Machine[] {
    return [...this.#members].filter((member) => member instanceof Machine);
  }

  /** The targets that this process calls: all calls of a target together. */
  get pools(): readonly ObservedClusterPool[] {
    return this.#desk.targets;
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
      ensure: async () => {
        await ensureChannel(this.#engine, place, settings, this.#keeping);
      },
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
      ensure: keptReader(engine, place, settings, this.#keeping, { name: consumer, lease: this.#lease }),
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
    return ClusterPool.make(
      {
        engine: this.#engine,
        bodies: this.#bodies,
        names: this.#names,
        courier: this.#courier,
        desk: this.#desk,
        calls: this.#desk.calls(name, version),
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
    const machine = await Machine.make({
      engine: this.#engine,
      bodies: this.#bodies,
      leases: this.#leases,
      names: this.#names,
      limits: limitsOf({ ...this.#limits, ...settings.limits }),
      targets,
      settings,
      ensure: (target) => this.#store.ensureTarget(target, settings.version),
      bury: (task) => {
        this.#deadLetters ??= this.writer<DeadTask>(DEAD_LETTERS);
        return this.#deadLetters.put(task, { id: task.id });
      },
      onClose: () => this.#members.delete(machine),
    });
    this.#members.add(machine);
    if (this.#closing !== undefined) {
      // It was not among the machines that are closed.
      await machine[Symbol.asyncDispose]();
      this.#assertOpen();
    }
    return machine;
  }

  /**
   * Closes machines, as their disposal does, then writers, readers and pools. Tasks whose callers wait reject with ClosedError; they
   * are taken from the queue, or told to stop.
   * The connection stays open.
   */
  [Symbol.asyncDispose](): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    // Machines first: they write to the dead letters.
    await Promise.all(this.machines.map((machine) => machine[Symbol.asyncDispose]()));
    await Promise.all([...this.#members].map((member) => member[Symbol.asyncDispose]()));
    await this.#deadLetters?.[Symbol.asyncDispose]();
    this.#desk.close();
    this.#leases.close();
    await this.#engine.flush();
    this.#courier.close();
    this.#engine.close();
    observed.closed(this);
  }

  /** Creates the stream of tasks, and again if the server has started again without it: its messages were in memory. */
  async #keepTasks(): Promise<void> {
    let created = await this.#store.ensureTasks();
    const look = async () => {
      const stored = this.#desk.stored;
      const found = await this.#store.ensureTasks();
      if (found !== created) this.#desk.lost(stored);
      created = found;
    };
    this.#engine.onReconnect(() => {
      if (!this.#engine.isClosed) void handled(look());
    });
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new ClosedError(`the cluster ${this.name} is closed`);
  }

  #bodiesOf(name: string, settings: { readonly kind: 'queue' | 'topic'; readonly maxAge: number | undefined }): Bodies {
    if (settings.kind === 'queue') return this.#bodies;
    const bucket = { name: this.#names.largeOfTopic(name), maxAge: settings.maxAge ?? TOPIC_AGE };
    return new Bodies(this.#engine, bucket, this.#keeping, this.#longest);
  }
}

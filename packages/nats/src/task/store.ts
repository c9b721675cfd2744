import { AckPolicy, DeliverPolicy, DiscardPolicy, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { DUPLICATES, MAX_WAITING } from '../channel/store.js';
import { type Engine } from '../engine/engine.js';
import { serverAge, serverCount, serverTime } from '../engine/server-numbers.js';
import { type Keeping } from '../message/bodies.js';
import { LANES, type Names } from '../names.js';

/** Milliseconds for which a claim is kept whose task was never settled. */
const CLAIM_AGE = 7 * 24 * 3_600_000;

/** The streams and consumers of a cluster's tasks, which are created if they are not there. */
export class TaskStore {
  readonly #engine: Engine;
  readonly #names: Names;
  readonly #keeping: Keeping;
  readonly #lease: number;
  readonly #queueLimit: number;

  /** @param lease - milliseconds */
  constructor(engine: Engine, names: Names, keeping: Keeping, lease: number, queueLimit: number) {
    this.#engine = engine;
    this.#names = names;
    this.#keeping = keeping;
    this.#lease = lease;
    this.#queueLimit = queueLimit;
  }

  /** The stream of all tasks. Resolves with the time of its creation, as the server wrote it. */
  ensureTasks(): Promise<string> {
    const settings = {
      name: this.#names.tasks,
      subjects: [this.#names.tasksSubject],
      retention: RetentionPolicy.Workqueue,
      discard: DiscardPolicy.New,
      max_msgs: serverCount(this.#queueLimit),
      duplicate_window: serverTime(DUPLICATES),
      ...this.#kept,
    };
    return this.#engine.ensureStream(settings, this.#what);
  }

  /** The stream that says which tasks with `retries: 0` were begun. */
  async ensureClaims(): Promise<void> {
    const settings = {
      name: this.#names.claims,
      subjects: [this.#names.claimsSubject],
      retention: RetentionPolicy.Limits,
      max_age: serverAge(CLAIM_AGE),
      ...this.#kept,
    };
    await this.#engine.ensureStream(settings, this.#what);
  }

  /** The consumers that the machines of a target share, and the streams that they need: a server may have lost all of them. */
  async ensureTarget(target: string, version: string): Promise<void> {
    await Promise.all([this.ensureTasks(), this.ensureClaims()]);
    for (const lane of LANES) {
      const settings = {
        durable_name: this.#names.taskConsumer(target, version, lane),
        deliver_policy: DeliverPolicy.All,
        ack_policy: AckPolicy.Explicit,
        ack_wait: serverTime(this.#lease),
        filter_subject: this.#names.task(target, version, lane),
        max_ack_pending: 100_000,
        max_waiting: MAX_WAITING,
      };
      await this.#engine.ensureConsumer(this.#names.tasks, settings, `the queue of the target ${target}`);
    }
  }

  get #what(): string {
    return `the cluster ${this.#names.cluster}`;
  }

  get #kept(): { readonly storage: StorageType; readonly num_replicas: number } {
    const { replicas, storage } = this.#keeping;
    return { storage: storage === 'file' ? StorageType.File : StorageType.Memory, num_replicas: replicas };
  }
}

import { ClosedError } from '@aiopipe/core';
import { handled, Timer, within } from '@aiopipe/core/internal';
import {
  jetstream,
  jetstreamManager,
  JetStreamApiError,
  JetStreamApiCodes,
  type ConsumerConfig,
  type JetStreamClient,
  type JetStreamManager,
  type PubAck,
  type StreamConfig,
} from '@nats-io/jetstream';
import { headers, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import { differences } from './differences.js';
import { hasNoJetStream, isTransient, ourError } from './failures.js';
import { ClusterError } from '../errors.js';

/** Milliseconds that the server has for one answer, before it is asked again. */
const ANSWER = 5000;
/** Milliseconds before a call is made again: the first time, and at most. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 2000;
/** Milliseconds for the server to take what was published, when something is closed. */
const LONGEST_FLUSH = 2000;

/** A message for a stream. */
export interface Outgoing {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers?: MsgHdrs;
  /** The server drops a second message of the same id. */
  readonly id: string;
  /** Whether the subject must have no message yet. */
  readonly isFirst?: boolean;
}

/** Ends a call that is made again. */
const AGAIN = Symbol('again');

/**
 * The connection to NATS, and what JetStream keeps for one cluster. A call is made again until the server has answered: a
 * connection that is cut, or a server that starts again, delays it.
 */
export class Engine {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  /** Begins the subjects of JetStream's API. */
  readonly api: string;
  readonly #onReconnect = new Set<() => void>();
  readonly #status: AsyncIterable<{ type: string }> & { stop?: () => void };
  #isClosed = false;

  private constructor(nc: NatsConnection, jsm: JetStreamManager, domain: string | undefined) {
    this.nc = nc;
    this.jsm = jsm;
    this.js = jetstream(nc, domain === undefined ? {} : { domain });
    this.api = domain === undefined ? '$JS.API' : `$JS.${domain}.API`;
    this.#status = nc.status();
    void handled(this.#watch());
  }

  /** Rejects with ClusterError if the server has no JetStream. */
  static async open(nc: NatsConnection, domain: string | undefined): Promise<Engine> {
    try {
      const jsm = await jetstreamManager(nc, domain === undefined ? {} : { domain });
      return new Engine(nc, jsm, domain);
    } catch (error) {
      if (!hasNoJetStream(error)) throw ourError(error, 'JetStream');
      const why = 'the server has no JetStream for this account, or still starts; start it with `nats-server -js`';
      throw new ClusterError('ERR_AIOPIPE_CLUSTER', `Cluster.open: ${why}`, { cause: error });
    }
  }

  get isClosed(): boolean {
    return this.#isClosed || this.nc.isClosed();
  }

  /** Calls back after each reconnection. Returns a function that takes the callback back. */
  onReconnect(callback: () => void): () => void {
    this.#onReconnect.add(callback);
    return () => this.#onReconnect.delete(callback);
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.#status) {
      if (type === 'reconnect') for (const callback of [...this.#onReconnect]) callback();
    }
  }

  /** Resolves when the server has all that was published, or after 2 s: the connection may be cut, and never come back. */
  async flush(): Promise<void> {
    await within(
      this.nc.flush().catch(() => undefined),
      LONGEST_FLUSH,
    );
  }

  /** Ends calls that are made again. The connection is the user's, and stays open. */
  close(): void {
    this.#isClosed = true;
    this.#status.stop?.();
    for (const callback of [...this.#onReconnect]) callback();
    this.#onReconnect.clear();
  }

  /** Stores a message. Resolves when the stream has it. `what` begins the messages of errors. */
  publish(message: Outgoing, what: string, isWanted: () => boolean = () => true): Promise<PubAck> {
    const { subject, data, id, isFirst } = message;
    const attempt = () =>
      this.js.publish(subject, data, {
        // The client adds its own headers to these.
        headers: copyOf(message.headers),
        msgID: id,
        timeout: ANSWER,
        ...(isFirst === true && { expect: { lastSubjectSequence: 0 } }),
      });
    return this.insist(attempt, what, isWanted);
  }

  /** Makes a call until it has an answer. A reconnection makes it again at once: its answer may be lost. */
  async insist<T>(attempt: () => Promise<T>, what: string, isWanted: () => boolean = () => true): Promise<T> {
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      if (this.#isClosed) throw new ClosedError(`${what}: the cluster is closed`);
      try {
        return await this.#once(attempt);
      } catch (error) {
        if (error === AGAIN) continue;
        if (error instanceof ClusterError) throw error;
        if (!isTransient(error)) throw ourError(error, what);
        if (!isWanted()) throw ourError(error, what);
      }
      await this.pause(pause);
    }
  }

  #once<T>(attempt: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const forget = this.onReconnect(() => {
        forget();
        // No error: insist() catches it.
        reject(AGAIN);
      });
      attempt().then(
        (value) => {
          forget();
          resolve(value);
        },
        (error: unknown) => {
          forget();
          reject(error as Error);
        },
      );
    });
  }

  /** Resolves after so many milliseconds, or at the next reconnection. */
  pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        forget();
        timer.cancel();
        resolve();
      };
      const timer = new Timer(done, milliseconds);
      const forget = this.onReconnect(done);
    });
  }

  /**
   * Creates a stream, if it is not there. Rejects with ClusterError if it is there with other settings than those that are
   * wanted. `more` are settings for one that is not there yet. Resolves with the time of its creation, as the server wrote it: if
   * that has changed, the server has lost the stream that was there before, and its messages.
   */
  async ensureStream(
    wanted: Partial<StreamConfig> & { name: string },
    what: string,
    more: Partial<StreamConfig> = {},
  ): Promise<string> {
    const check = async () => {
      const { config, created } = await this.jsm.streams.info(wanted.name);
      refuseOther(differences(wanted, config), what);
      return created;
    };
    const add = async () => (await this.jsm.streams.add({ ...more, ...wanted })).created;
    return this.#ensure(check, add, JetStreamApiCodes.StreamNotFound, what);
  }

  /** The same for a consumer. */
  async ensureConsumer(
    stream: string,
    wanted: Partial<ConsumerConfig> & { durable_name: string },
    what: string,
    more: Partial<ConsumerConfig> = {},
  ): Promise<void> {
    const check = async () => {
      const { config } = await this.jsm.consumers.info(stream, wanted.durable_name);
      refuseOther(differences(wanted, config), what);
    };
    const add = async () => {
      await this.jsm.consumers.add(stream, { ...more, ...wanted });
    };
    await this.#ensure(check, add, JetStreamApiCodes.ConsumerNotFound, what);
  }

  #ensure<T>(check: () => Promise<T>, add: () => Promise<T>, missing: number, what: string): Promise<T> {
    const attempt = async () => {
      try {
        return await check();
      } catch (error) {
        if (codeOf(error) !== missing) throw error;
        try {
          return await add();
        } catch (failure) {
          // Another process was faster.
          if (!(failure instanceof JetStreamApiError)) throw failure;
          return await check().catch((reason: unknown) => {
            throw codeOf(reason) === missing ? failure : reason;
          });
        }
      }
    };
    return this.insist(attempt, what);
  }
}

function copyOf(original: MsgHdrs | undefined): MsgHdrs {
  const copy = headers();
  for (const [name, values] of original ?? []) for (const value of values) copy.append(name, value);
  return copy;
}

/** The error code of JetStream's API; undefined for any other error. */
export function codeOf(error: unknown): number | undefined {
  return error instanceof JetStreamApiError ? error.code : undefined;
}

function refuseOther(found: readonly string[], what: string): void {
  if (found.length === 0) return;
  const hint = 'use the same options everywhere, or another name';
  throw new ClusterError(
    'ERR_AIOPIPE_CLUSTER_CONFIG',
    `${what}: the server has other options: ${found.join(', ')}; ${hint}`,
  );
}

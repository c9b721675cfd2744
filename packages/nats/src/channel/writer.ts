import { QueueFullError, serialize } from '@aiopipe/codec';
import { BusyError, ClosedError, type WaitOptions } from '@aiopipe/core';
import { checkCount, checkName, checkOptions, handled, optionNames, Pending, refuse } from '@aiopipe/core/internal';
import { headers, nuid } from '@nats-io/transport-node';
import { type Engine } from '../engine/engine.js';
import { HEADER } from '../engine/headers.js';
import { type Bodies } from '../message/bodies.js';
import { addContext } from '../message/context.js';
import { checkHeader } from '../names.js';
import { type Place } from './store.js';

/**
 * Options of `put()`.
 *
 * @see the example of {@link ClusterWriter}
 */
export interface PutOptions extends WaitOptions {
  /**
   * Names the message: the channel drops another one of the same id that comes within two minutes. At most 16 384
   * characters. Default: an id of its own for each call.
   */
  readonly id?: string | undefined;
}

const PUT_OPTIONS = optionNames<PutOptions>({ signal: true, timeout: true, id: true });

/**
 * Options of `end()`.
 *
 * @see the example of {@link ClusterWriter}
 */
export interface EndOptions extends WaitOptions {
  /** How many readers shall end. Default: 1. Of a topic, all readers end. */
  readonly readers?: number | undefined;
}

const END_OPTIONS = optionNames<EndOptions>({ signal: true, timeout: true, readers: true });

/** The kind of a message that ends a reader. */
export const END = 'end';

/** Bytes that may wait for the server. */
const MOST_WAITING = 64 * 1024 * 1024;

/** What a writer needs of its cluster. */
export interface WriterParts {
  readonly engine: Engine;
  readonly bodies: Bodies;
  readonly place: Place;
  readonly isTopic: boolean;
  /** Whether messages take the context of their `put()` along. */
  readonly context: boolean;
  /** Creates the channel, if it is not there. */
  readonly ensure: () => Promise<void>;
  readonly onClose: () => void;
}

/**
 * The end of a cluster's channel that sends messages. `cluster.writer()` makes it.
 *
 * @example
 * ```ts
 * import { Cluster } from '@aiopipe/nats';
 * import { connect } from '@nats-io/transport-node';
 *
 * const nc = await connect({ servers: 'nats://127.0.0.1:4222' });
 * const cluster = await Cluster.open(nc, { name: 'mail' });
 * const writer = cluster.writer<string>('letters', { queueLimit: 1000 });
 * await writer.put('hello', { id: 'letter 1', timeout: 5000 }); // stored when it resolves
 * await writer.put('hello', { id: 'letter 1' }); // dropped: the same id
 * await writer.end({ readers: 1 });
 * for await (const letter of cluster.reader<string>('letters', { queueLimit: 1000 })) console.log(letter);
 * await cluster[Symbol.asyncDispose]();
 * await nc.close();
 * ```
 * ```text
 * hello
 * ```
 */
export class ClusterWriter<Send = unknown> implements AsyncDisposable {
  readonly #parts: WriterParts;
  readonly #ensured: Promise<void>;
  readonly #closed = new Pending<void>();
  readonly #waiting = new Set<Promise<void>>();
  #bytesWaiting = 0;
  /** Keeps the order of messages of which one must be stored as an object first. */
  #tail: Promise<unknown> = Promise.resolve();
  #isClosed = false;
  readonly #forget: () => void;

  private constructor(parts: WriterParts) {
    this.#parts = parts;
    this.#ensured = handled(parts.ensure());
    // A server that has started again may have lost the channel: it was in memory.
    this.#forget = parts.engine.onReconnect(() => {
      if (!parts.engine.isClosed) void handled(parts.ensure());
    });
    void handled(this.#closed.promise);
  }

  /** @internal */
  static make<Send>(parts: WriterParts): ClusterWriter<Send> {
    return new ClusterWriter(parts);
  }

  /** The channel's name in messages: `the writer of the queue jobs`. */
  get name(): string {
    return `the writer of ${this.#parts.place.what}`;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Resolves when the writer is closed. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Resolves when the channel is there. Rejects with ClusterError if it has other options. */
  get ready(): Promise<void> {
    return this.#ensured;
  }

  /**
   * Sends a message. It is encoded now, so later changes to `value` do not count. Resolves when the channel's stream has stored it,
   * on as many servers as `replicas` says. If the connection is cut meanwhile, it waits, and goes on. An abort or a timeout ends
   * the wait; the message is sent all the same.
   *
   * Rejects with EncodeError, which names the path, if the value cannot be sent: handles cannot leave this machine; with
   * QueueFullError if the queue is full; with ClusterError if the server refuses it. The promise is marked as handled.
   */
  put(value: Send, options: PutOptions = {}): Promise<void> {
    try {
      const refusal = this.#refuse(options);
      if (refusal !== undefined) throw refusal;
      if (options.id !== undefined) {
        checkName('id', options.id);
        checkHeader('id', options.id);
      }
      const { signal, timeout, id = nuid.next() } = options;
      return this.#limited(this.#send(serialize(value), id), { signal, timeout });
    } catch (error) {
      return handled(Promise.reject(error as Error));
    }
  }

  /**
   * Ends readers, after the messages that were put before: each end marker ends one of them, or all of a topic. Resolves when the
   * markers are stored. A message that is handed back after a reader has ended stays for the next reader.
   */
  end(options: EndOptions = {}): Promise<void> {
    try {
      checkOptions(options, END_OPTIONS);
      const { readers = 1, signal, timeout } = options;
      checkCount('readers', readers, { least: 1, most: 10_000, of: 'readers' });
      const refusal = this.#refuse({ signal, timeout });
      if (refusal !== undefined) throw refusal;
      const count = this.#parts.isTopic ? 1 : readers;
      const sent = Array.from({ length: count }, () => this.#send(new Uint8Array(), nuid.next(), END));
      return this.#limited(
        Promise.all(sent).then(() => undefined),
        { signal, timeout },
      );
    } catch (error) {
      return handled(Promise.reject(error as Error));
    }
  }

  /** Resolves when all that was put is stored. Rejects with the first failure. */
  drain(options: WaitOptions = {}): Promise<void> {
    const refusal = refuse(options);
    if (refusal !== undefined) return handled(Promise.reject(refusal));
    return this.#limited(
      Promise.all(this.#waiting).then(() => undefined),
      options,
    );
  }

  /**
   * Closes the writer. The channel stays.
   *
   * @throws BusyError if a message is not stored yet
   * @throws ClosedError if it is closed
   */
  close(): void {
    if (this.#isClosed) throw new ClosedError(`${this.name} is closed`);
    if (this.#waiting.size > 0) {
      throw new BusyError(`${this.name} cannot be closed: ${String(this.#waiting.size)} messages are not stored yet`);
    }
    this.#end();
  }

  /** Waits until all that was put is stored or refused, and closes the writer. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.allSettled(this.#waiting);
    this.#end();
  }

  #end(): void {
    this.#isClosed = true;
    this.#forget();
    this.#parts.onClose();
    this.#closed.resolve();
  }

  #refuse(options: PutOptions): Error | undefined {
    return (
      refuse(options, PUT_OPTIONS, () => `${this.name}: the put`) ??
      (this.#isClosed ? new ClosedError(`${this.name} is closed`) : undefined)
    );
  }

  #send(bytes: Uint8Array, id: string, kind?: string): Promise<void> {
    if (this.#bytesWaiting + bytes.length > MOST_WAITING && this.#waiting.size > 0) {
      const reason = `${String(this.#bytesWaiting)} bytes wait for the server already`;
      throw new QueueFullError(`${this.name}: ${reason}: await put(), or drain()`);
    }
    const fields = headers();
    if (kind !== undefined) fields.set(HEADER.kind, kind);
    const { engine, bodies, place, context } = this.#parts;
    if (context) addContext(fields);
    const packed = this.#tail.then(async () => {
      await this.#ensured;
      return bodies.pack(bytes, fields);
    });
    this.#tail = packed.catch(() => undefined);
    const sent = packed.then(async (data) => {
      try {
        await engine.publish({ subject: place.subject, data, headers: fields, id }, place.what);
      } catch (error) {
        bodies.remove(fields.get(HEADER.object) || undefined);
        throw error;
      }
    });
    this.#bytesWaiting += bytes.length;
    this.#waiting.add(handled(sent));
    const done = () => {
      this.#bytesWaiting -= bytes.length;
      this.#waiting.delete(sent);
    };
    sent.then(done, done);
    return sent;
  }

  #limited(sent: Promise<void>, options: WaitOptions): Promise<void> {
    if (options.signal === undefined && options.timeout === undefined) return sent;
    const pending = new Pending<void>(options, () => `${this.name}: the message was not stored`);
    sent.then(
      () => {
        pending.resolve();
      },
      (error: unknown) => {
        pending.reject(error);
      },
    );
    return handled(pending.promise);
  }
}

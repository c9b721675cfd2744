import {
  deserialize,
  EndOfStreamError,
  type DecodeLimits,
  type SchemaOutput,
  type StandardSchema,
} from '@aiopipe/codec';
import { checkBy, type Check } from '@aiopipe/codec/internal';
import { BusyError, ClosedError, type WaitOptions } from '@aiopipe/core';
import {
  GeneratorLoop,
  handled,
  Pending,
  refuse,
  runInContext,
  show,
  type CarriedContext,
} from '@aiopipe/core/internal';
import { type Delivery } from '../engine/delivery.js';
import { type Engine } from '../engine/engine.js';
import { HEADER } from '../engine/headers.js';
import { type Leases } from '../engine/leases.js';
import { Puller } from '../engine/puller.js';
import { type Bodies } from '../message/bodies.js';
import { contextOf } from '../message/context.js';
import { Delivered } from './delivered.js';
import { END } from './writer.js';
import { type Place } from './store.js';

/** What a reader needs of its cluster. */
export interface ReaderParts {
  readonly engine: Engine;
  readonly bodies: Bodies;
  readonly leases: Leases;
  readonly place: Place;
  readonly isTopic: boolean;
  readonly consumer: string;
  readonly prefetch: number;
  readonly limits: DecodeLimits;
  /** Creates the channel and the consumer, if they are not there. `after` is the last message that this reader has seen. */
  readonly ensure: (after: number) => Promise<void>;
  /** Removes the consumer, if it is this reader's alone. */
  readonly onClose: () => void;
}

/** A call that waits for a message. `merge()` of the codec has such calls, too. */
interface Waiter {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** A message that can be given. */
type Ready =
  | { readonly delivery: Delivery; readonly value: unknown; readonly context: CarriedContext | undefined }
  | { readonly delivery: Delivery; readonly error: Error };

/**
 * The end of a cluster's channel that receives messages. `cluster.reader()` makes it.
 *
 * A message is acknowledged when the next one is asked for. Until then its lease is renewed. If this process dies, the message is
 * delivered to another reader when its lease ends. `receive()` gives messages that you acknowledge by hand.
 *
 * @example
 * ```ts
 * import { Cluster } from '@aiopipe/nats';
 * import { connect } from '@nats-io/transport-node';
 *
 * const nc = await connect({ servers: 'nats://127.0.0.1:4222' });
 * const cluster = await Cluster.open(nc, { name: 'shop' });
 * const writer = cluster.writer<number>('orders');
 * for (const id of [7, 8]) await writer.put(id);
 * await writer.end();
 * for await (const id of cluster.reader<number>('orders', { prefetch: 10 })) console.log('order', id); // acknowledged
 * await cluster[Symbol.asyncDispose]();
 * await nc.close();
 * ```
 * ```text
 * order 7
 * order 8
 * ```
 */
export class ClusterReader<Receive = unknown> implements AsyncDisposable {
  readonly #parts: ReaderParts;
  readonly #ensured: Promise<void>;
  readonly #closed = new Pending<void>();
  readonly #ready: Ready[] = [];
  readonly #waiting: Waiter[] = [];
  /** The messages that `get()` has given, and that are not acknowledged. */
  readonly #given = new Set<Delivery>();
  #puller: Puller | undefined;
  #tail: Promise<void> = Promise.resolve();
  #check: Check | undefined;
  #lastSeen = 0;
  /** Whether a message that comes while no call waits is kept for the next call. */
  #keeps: boolean;
  /** The error of all calls from now on. */
  #over: Error | undefined;
  #isClosed = false;

  private constructor(parts: ReaderParts) {
    this.#parts = parts;
    this.#keeps = parts.prefetch > 0;
    this.#ensured = handled(this.#start());
    void handled(this.#closed.promise);
  }

  /** @internal */
  static make<Receive>(parts: ReaderParts): ClusterReader<Receive> {
    return new ClusterReader(parts);
  }

  /** The channel's name in messages: `the reader of the queue jobs`. */
  get name(): string {
    return `the reader of ${this.#parts.place.what}`;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Resolves when the reader is closed or has ended. Rejects with the error that ended it. The promise is marked as handled. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /**
   * Resolves when the reader gets messages: a topic's reader gets what is put from then on. Rejects with ClusterError if the
   * channel has other settings.
   */
  get ready(): Promise<void> {
    return this.#ensured;
  }

  /**
   * Acknowledges the messages that `get()` has given before, and resolves with the next one. Many calls may wait at once. A
   * timeout or an abort takes no message.
   *
   * Rejects with EndOfStreamError after an end marker, DecodeError if the message cannot be built (it is dropped), ClusterError
   * if the server refuses to deliver.
   */
  get(options?: WaitOptions): Promise<Receive> {
    return handled(this.#next(options).then((ready) => this.#give(ready).value as Receive));
  }

  /** Resolves with the next message, to be acknowledged by hand. It leaves other messages as they are. */
  receive(options?: WaitOptions): Promise<Delivered<Receive>> {
    const taken = this.#next(options, false).then((ready) => {
      if ('error' in ready) throw this.#dropped(ready);
      const { delivery, value } = ready;
      return Delivered.make(value as Receive, delivery, () => {
        this.#forgetBody(delivery);
      });
    });
    return handled(taken);
  }

  /**
   * Returns a message that has come already, or undefined. Then it asks the server for one, and keeps it for the next call. Throws
   * what `get()` would reject with.
   */
  tryGet(): { value: Receive } | undefined {
    this.#acknowledge();
    if (this.#over !== undefined && this.#ready.length === 0) throw this.#over;
    if (this.#isClosed) throw this.closedError();
    this.#keeps = true;
    const ready = this.#ready.shift();
    this.#want();
    return ready === undefined ? undefined : { value: this.#give(ready).value as Receive };
  }

  /**
   * Checks each message from now on: `get()` resolves with what `schema` makes of the message. If a message is not valid, its
   * `get()` rejects with InvalidMessageError, and the message is dropped. Returns this handle, with the type that the schema makes.
   */
  validate<Schema extends StandardSchema>(schema: Schema): ClusterReader<SchemaOutput<Schema>> {
    if (this.#isClosed) throw this.closedError();
    this.#check = checkBy(schema, () => this.name);
    return this as ClusterReader<unknown> as ClusterReader<SchemaOutput<Schema>>;
  }

  /**
   * Calls a function with each message, within the context of its `put()`, and awaits what it returns before it takes the next
   * one. Resolves after an end marker. If the function throws, the message is handed back, and `forEach()` rejects.
   */
  async forEach(handle: (message: Receive) => unknown, options?: WaitOptions): Promise<void> {
    if (typeof handle !== 'function') throw new TypeError(`forEach: expected a function, not ${show(handle)}`);
    for (;;) {
      let next: Exclude<Ready, { error: Error }>;
      try {
        next = this.#give(await this.#next(options));
      } catch (error) {
        if (error instanceof EndOfStreamError) return;
        throw error;
      }
      const { value, context, delivery } = next;
      try {
        await runInContext(context, () => handle(value as Receive));
      } catch (error) {
        this.#given.delete(delivery);
        delivery.nak();
        throw error;
      }
    }
  }

  /** Iterates over the messages until an end marker. Leaving the loop early leaves the reader open, and the last message with it. */
  [Symbol.asyncIterator](): AsyncGenerator<Receive, void, undefined> {
    return new GeneratorLoop(this.#iterate());
  }

  async *#iterate(): AsyncGenerator<Receive, void, undefined> {
    for (;;) {
      let value: Receive;
      try {
        value = await this.get();
      } catch (error) {
        if (error instanceof EndOfStreamError) return;
        throw error;
      }
      yield value;
    }
  }

  /**
   * Closes the reader. The message that `get()` has given last is acknowledged; messages that it holds are handed back.
   *
   * @throws BusyError if a call waits
   * @throws ClosedError if it is closed
   */
  close(): void {
    if (this.#isClosed) throw this.closedError();
    if (this.#waiting.length > 0) throw new BusyError(`${this.name} cannot be closed: a call waits for a message`);
    this.#acknowledge();
    this.#end(this.closedError());
  }

  /** Closes the reader in any state. Messages that are not acknowledged are handed back; calls that wait reject with ClosedError. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    for (const delivery of this.#given) delivery.nak();
    this.#given.clear();
    this.#end(this.closedError());
    await this.#parts.engine.flush();
  }

  /** @internal */
  closedError(): ClosedError {
    return new ClosedError(`${this.name} is closed`);
  }

  /** What `merge()` of the codec uses of a channel. @internal */
  get incoming(): { enter(waiter: Waiter): void; leave(waiter: Waiter): void } {
    return {
      enter: (waiter) => {
        this.#acknowledge();
        if (this.#over !== undefined) {
          waiter.reject(this.#over);
          return;
        }
        this.#keeps = true;
        // What merge() gives is a value, and is acknowledged as that of get().
        const entry: Waiter = {
          resolve: (ready) => {
            let value: unknown;
            try {
              ({ value } = this.#give(ready as Ready));
            } catch (error) {
              waiter.reject(error);
              return;
            }
            waiter.resolve(value);
          },
          reject: (error) => {
            waiter.reject(error);
          },
        };
        this.#entries.set(waiter, entry);
        this.#wait(entry);
      },
      leave: (waiter) => {
        const entry = this.#entries.get(waiter);
        this.#entries.delete(waiter);
        if (entry !== undefined) this.#leave(entry);
      },
    };
  }

  readonly #entries = new Map<Waiter, Waiter>();

  async #start(): Promise<void> {
    const { engine, place, consumer, prefetch, ensure } = this.#parts;
    try {
      await ensure(0);
    } catch (error) {
      this.#end(error as Error);
      throw error;
    }
    if (this.#isClosed) return;
    this.#puller = new Puller(
      engine,
      place.stream,
      consumer,
      prefetch,
      (delivery) => {
        this.#arrived(delivery);
      },
      () => ensure(this.#lastSeen),
    );
    this.#want();
  }

  #next(options: WaitOptions | undefined, acknowledges = true): Promise<Ready> {
    const what = () => `${this.name}: no message came`;
    const refusal = refuse(options, undefined, what);
    if (refusal !== undefined) return Promise.reject(refusal);
    if (acknowledges) this.#acknowledge();
    const ready = this.#ready.shift();
    if (ready !== undefined) {
      this.#want();
      return Promise.resolve(ready);
    }
    if (this.#over !== undefined) return Promise.reject(this.#over);
    const pending = new Pending<Ready>(options, what, () => {
      this.#leave(waiter);
    });
    const waiter: Waiter = {
      resolve: (value) => {
        pending.resolve(value as Ready);
      },
      reject: (error) => {
        pending.reject(error);
      },
    };
    this.#wait(waiter);
    return pending.promise;
  }

  #wait(waiter: Waiter): void {
    this.#waiting.push(waiter);
    this.#serve();
    this.#want();
  }

  #leave(waiter: Waiter): void {
    const index = this.#waiting.indexOf(waiter);
    if (index >= 0) this.#waiting.splice(index, 1);
    this.#want();
  }

  #want(): void {
    if (this.#isClosed) return;
    const ahead = this.#keeps ? Math.max(this.#parts.prefetch, this.#waiting.length === 0 ? 1 : 0) : 0;
    this.#puller?.want(Math.max(0, this.#waiting.length + ahead - this.#ready.length));
  }

  #arrived(delivery: Delivery): void {
    if (this.#isClosed) {
      delivery.nak();
      return;
    }
    if (this.#parts.leases.wasStopped) {
      // It is not handed back: another reader may have it by now. If none has, it comes again when its lease ends.
      this.#want();
      return;
    }
    this.#parts.leases.hold(delivery);
    this.#tail = this.#tail.then(async () => {
      const ready = await this.#prepare(delivery);
      if (this.#isClosed) {
        delivery.nak();
        return;
      }
      this.#lastSeen = Math.max(this.#lastSeen, delivery.sequence);
      if (ready === undefined) {
        delivery.ack();
        this.#end(new EndOfStreamError(`${this.name}: an end marker came`));
        return;
      }
      this.#ready.push(ready);
      this.#serve();
      // A get() that timed out had asked for it. It took nothing.
      if (!this.#keeps) for (const left of this.#ready.splice(0)) left.delivery.nak();
      this.#want();
    });
  }

  /** Returns the message of a delivery; undefined if it is an end marker. */
  async #prepare(delivery: Delivery): Promise<Ready | undefined> {
    if (delivery.header(HEADER.kind) === END) return undefined;
    try {
      const object = delivery.header(HEADER.object);
      const bytes = object === undefined ? delivery.data : await this.#parts.bodies.unpack(delivery.data, object);
      let value = deserialize(bytes, { limits: this.#parts.limits });
      if (this.#check !== undefined) value = await this.#check(value);
      return { delivery, value, context: contextOf(delivery.header(HEADER.context)) };
    } catch (error) {
      return { delivery, error: error as Error };
    }
  }

  #serve(): void {
    while (this.#ready.length > 0 && this.#waiting.length > 0) {
      this.#waiting.shift()?.resolve(this.#ready.shift());
    }
  }

  /** A message that is taken. Throws its error, if it cannot be given. */
  #give(ready: Ready): Exclude<Ready, { error: Error }> {
    if ('error' in ready) throw this.#dropped(ready);
    this.#given.add(ready.delivery);
    return ready;
  }

  #dropped({ delivery, error }: Extract<Ready, { error: Error }>): Error {
    // The connection was lost while its object was fetched: the message comes again.
    if (error instanceof ClosedError) delivery.nak();
    else {
      delivery.term();
      this.#forgetBody(delivery);
    }
    return error;
  }

  #acknowledge(): void {
    for (const delivery of this.#given) {
      delivery.ack();
      this.#forgetBody(delivery);
    }
    this.#given.clear();
  }

  /** The objects of a topic's messages stay for other readers, as long as the topic's messages. */
  #forgetBody(delivery: Delivery): void {
    if (!this.#parts.isTopic) this.#parts.bodies.remove(delivery.header(HEADER.object));
  }

  #end(error: Error): void {
    if (this.#over === undefined) {
      this.#over = error;
      if (error instanceof ClosedError || error instanceof EndOfStreamError) this.#closed.resolve();
      else this.#closed.reject(error);
    }
    for (const waiter of this.#waiting.splice(0)) waiter.reject(this.#over);
    for (const { delivery } of this.#ready.splice(0)) delivery.nak();
    if (error instanceof EndOfStreamError) {
      this.#puller?.close();
      return;
    }
    this.#isClosed = true;
    this.#puller?.close();
    this.#parts.onClose();
  }
}

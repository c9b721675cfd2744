import { EndOfStreamError, type SchemaOutput, type StandardSchema } from '@aiopipe/codec';
import { checkBy } from '@aiopipe/codec/internal';
import { BusyError, ClosedError, type WaitOptions } from '@aiopipe/core';
import { GeneratorLoop, handled, refuse, runInContext, show } from '@aiopipe/core/internal';
import { type Delivery } from '../engine/delivery.js';
import { HEADER } from '../engine/headers.js';
import { Delivered } from './delivered.js';
import { Incoming, type ReaderParts, type Ready, type Waiter } from './incoming.js';

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
  readonly #incoming: Incoming;
  /** The messages that `get()` has given, and that are not acknowledged. */
  readonly #given = new Set<Delivery>();

  private constructor(parts: ReaderParts) {
    this.#parts = parts;
    this.#incoming = new Incoming(this.name, parts);
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
    return this.#incoming.isClosed;
  }

  /** Resolves when the reader is closed or has ended. Rejects with the error that ended it. The promise is marked as handled. */
  get closed(): Promise<void> {
    return this.#incoming.closed;
  }

  /**
   * Resolves when the reader gets messages: a topic's reader gets what is put from then on. Rejects with ClusterError if the
   * channel has other options.
   */
  get ready(): Promise<void> {
    return this.#incoming.ensured;
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
    const incoming = this.#incoming;
    incoming.keep();
    const ready = incoming.take();
    if (ready === undefined && incoming.over !== undefined) throw incoming.over;
    return ready === undefined ? undefined : { value: this.#give(ready).value as Receive };
  }

  /**
   * Checks each message from now on: `get()` resolves with what `schema` makes of the message. If a message is not valid, its
   * `get()` rejects with InvalidMessageError, and the message is dropped. Returns this handle, with the type that the schema makes.
   */
  validate<Schema extends StandardSchema>(schema: Schema): ClusterReader<SchemaOutput<Schema>> {
    if (this.isClosed) throw this.closedError();
    this.#incoming.check = checkBy(schema, () => this.name);
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
    if (this.isClosed) throw this.closedError();
    if (this.#incoming.isAwaited) throw new BusyError(`${this.name} cannot be closed: a call waits for a message`);
    this.#acknowledge();
    this.#incoming.end(this.closedError());
  }

  /** Closes the reader in any state. Messages that are not acknowledged are handed back; calls that wait reject with ClosedError. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isClosed) return;
    for (const delivery of this.#given) delivery.nak();
    this.#given.clear();
    this.#incoming.end(this.closedError());
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
        const { over } = this.#incoming;
        if (over !== undefined) {
          waiter.reject(over);
          return;
        }
        this.#incoming.keep();
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
        this.#incoming.wait(entry);
      },
      leave: (waiter) => {
        const entry = this.#entries.get(waiter);
        this.#entries.delete(waiter);
        if (entry !== undefined) this.#incoming.leave(entry);
      },
    };
  }

  readonly #entries = new Map<Waiter, Waiter>();

  #next(options: WaitOptions | undefined, acknowledges = true): Promise<Ready> {
    const refusal = refuse(options, undefined, () => `${this.name}: no message came`);
    if (refusal !== undefined) return Promise.reject(refusal);
    if (acknowledges) this.#acknowledge();
    return this.#incoming.next(options);
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
}

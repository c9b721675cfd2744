import { deserialize, EndOfStreamError, type DecodeLimits } from '@aiopipe/codec';
import { type Check } from '@aiopipe/codec/internal';
import { ClosedError, type WaitOptions } from '@aiopipe/core';
import { handled, Pending, type CarriedContext } from '@aiopipe/core/internal';
import { type Delivery } from '../engine/delivery.js';
import { type Engine } from '../engine/engine.js';
import { HEADER } from '../engine/headers.js';
import { type Leases } from '../engine/leases.js';
import { Puller } from '../engine/puller.js';
import { type Bodies } from '../message/bodies.js';
import { contextOf } from '../message/context.js';
import { type Place } from './store.js';
import { END } from './writer.js';

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
  /**
   * Creates the channel and the consumer, if they are not there. `after` is the last message that this reader has seen. Resolves with
   * whether the channel is another one than before: the server has lost it.
   */
  readonly ensure: (after: number) => Promise<boolean>;
  /** Removes the consumer, if it is this reader's alone. */
  readonly onClose: () => void;
}

/** A call that waits for a message. `merge()` of the codec has such calls, too. */
export interface Waiter {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** A message that can be given. */
export type Ready =
  | { readonly delivery: Delivery; readonly value: unknown; readonly context: CarriedContext | undefined }
  | { readonly delivery: Delivery; readonly error: Error };

/**
 * The messages that come to a reader: asks for as many as are wanted, renews their leases, builds them in their order, and gives
 * each to one call that waits.
 */
export class Incoming {
  /** Begins the messages of errors. */
  readonly #name: string;
  readonly #parts: ReaderParts;
  readonly #ensured: Promise<void>;
  readonly #closed = new Pending<void>();
  readonly #ready: Ready[] = [];
  readonly #waiting: Waiter[] = [];
  #puller: Puller | undefined;
  #tail: Promise<void> = Promise.resolve();
  #lastSeen = 0;
  /** Whether a message that comes while no call waits is kept for the next call. */
  #keeps: boolean;
  /** The error of all calls from now on. */
  #over: Error | undefined;
  #isClosed = false;
  /** Checks each message, if it is set. */
  check: Check | undefined;

  constructor(name: string, parts: ReaderParts) {
    this.#name = name;
    this.#parts = parts;
    this.#keeps = parts.prefetch > 0;
    this.#ensured = handled(this.#start());
    void handled(this.#closed.promise);
  }

  /** Resolves when messages come. */
  get ensured(): Promise<void> {
    return this.#ensured;
  }

  /** Resolves when it has ended; rejects with the error that ended it. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The error of all calls from now on. */
  get over(): Error | undefined {
    return this.#over;
  }

  get isAwaited(): boolean {
    return this.#waiting.length > 0;
  }

  /** From now on, a message that comes while no call waits is kept for the next call. */
  keep(): void {
    this.#keeps = true;
  }

  async #start(): Promise<void> {
    const { engine, place, consumer, prefetch, ensure } = this.#parts;
    try {
      await ensure(0);
    } catch (error) {
      this.end(error as Error);
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
      async () => {
        // The numbers of its messages begin again.
        if (await ensure(this.#lastSeen)) this.#lastSeen = 0;
      },
    );
    this.#want();
  }

  /** Resolves with the next message. */
  next(options: WaitOptions | undefined): Promise<Ready> {
    const ready = this.take();
    if (ready !== undefined) return Promise.resolve(ready);
    if (this.#over !== undefined) return Promise.reject(this.#over);
    const pending = new Pending<Ready>(
      options,
      () => `${this.#name}: no message came`,
      () => {
        this.leave(waiter);
      },
    );
    const waiter: Waiter = {
      resolve: (value) => {
        pending.resolve(value as Ready);
      },
      reject: (error) => {
        pending.reject(error);
      },
    };
    this.wait(waiter);
    return pending.promise;
  }

  /** Returns a message that has come already. Another one is asked for in its place. */
  take(): Ready | undefined {
    const ready = this.#ready.shift();
    if (ready !== undefined || this.#keeps) this.#want();
    return ready;
  }

  wait(waiter: Waiter): void {
    this.#waiting.push(waiter);
    this.#serve();
    this.#want();
  }

  leave(waiter: Waiter): void {
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
        this.end(
          new EndOfStreamError(`${this.#name}: its writer has called end(), and all messages before that were taken`),
        );
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
      if (this.check !== undefined) value = await this.check(value);
      return { delivery, value, context: contextOf(delivery.headers) };
    } catch (error) {
      return { delivery, error: error as Error };
    }
  }

  #serve(): void {
    while (this.#ready.length > 0 && this.#waiting.length > 0) {
      this.#waiting.shift()?.resolve(this.#ready.shift());
    }
  }

  /** All calls reject with this error from now on. Messages that were not given are handed back. */
  end(error: Error): void {
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

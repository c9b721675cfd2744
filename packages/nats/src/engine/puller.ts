import { Timer } from '@aiopipe/core/internal';
import { createInbox, type Msg, type Subscription } from '@nats-io/transport-node';
import { Delivery } from './delivery.js';
import { type Engine } from './engine.js';
import { serverTime } from './server-numbers.js';

/** Milliseconds that a request for messages waits at the server. */
const EXPIRES = 30_000;
/** Milliseconds between two signs of life of the server, while no message comes. */
const HEARTBEAT = 5000;
/** Without a sign of life for so many milliseconds, the requests are made again. */
const SILENCE = 2.5 * HEARTBEAT;
/** Milliseconds before requests are made again that the server has refused. */
const PAUSE = 250;

const HEARTBEAT_STATUS = 100;
const NO_RESPONDERS = 503;
const CONFLICT = 409;

/**
 * Asks a consumer for as many messages as are wanted, and for no more. The requests wait at the server: nothing polls. They are
 * made again if the connection was cut, or the server has started again.
 */
export class Puller {
  readonly #engine: Engine;
  readonly #subject: string;
  readonly #batch: number;
  readonly #onMessage: (delivery: Delivery) => void;
  readonly #onLost: () => Promise<void>;
  readonly #forget: () => void;
  /** How many messages the caller can take. */
  #wanted = 0;
  /** How many messages the server was asked for, and has not sent. */
  #asked = 0;
  #subscription: Subscription | undefined;
  #requests = new Map<string, number>();
  #next = 0;
  #inbox = '';
  #silence: Timer | undefined;
  #isRenewing = false;
  #isClosed = false;

  /**
   * @param prefetch - how many of the wanted messages are ahead: half of them are asked for in one request
   * @param onMessage - takes one message
   * @param onLost - called before requests are made again, if the consumer may be gone: creates it
   */
  constructor(
    engine: Engine,
    stream: string,
    consumer: string,
    prefetch: number,
    onMessage: (delivery: Delivery) => void,
    onLost: () => Promise<void>,
  ) {
    this.#engine = engine;
    this.#subject = `${engine.api}.CONSUMER.MSG.NEXT.${stream}.${consumer}`;
    this.#batch = Math.max(1, Math.floor(prefetch / 2));
    this.#onMessage = onMessage;
    this.#onLost = onLost;
    this.#forget = engine.onReconnect(() => {
      this.#renew(false);
    });
  }

  /** Sets how many messages are wanted from now on. Requests that wait already stay: their messages come, too. */
  want(count: number): void {
    this.#wanted = count;
    this.#ask();
  }

  #ask(): void {
    const missing = this.#wanted - this.#asked;
    // The other half is still there meanwhile.
    if (missing < this.#batch || this.#isClosed || this.#isRenewing || this.#engine.nc.isClosed()) return;
    this.#subscription ??= this.#subscribe();
    const token = String(this.#next++);
    this.#requests.set(token, missing);
    this.#asked += missing;
    const request = { batch: missing, expires: serverTime(EXPIRES), idle_heartbeat: serverTime(HEARTBEAT) };
    this.#engine.nc.publish(this.#subject, JSON.stringify(request), { reply: `${this.#inbox}.${token}` });
    this.#listen();
  }

  #subscribe(): Subscription {
    this.#inbox = createInbox();
    const { length } = this.#inbox;
    return this.#engine.nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error === null) this.#take(message, length);
      },
    });
  }

  #take(message: Msg, prefix: number): void {
    if (this.#isClosed) {
      if (message.reply?.startsWith('$JS.ACK.') === true) new Delivery(message).nak();
      return;
    }
    this.#listen();
    if (message.reply?.startsWith('$JS.ACK.') === true) {
      this.#asked = Math.max(0, this.#asked - 1);
      this.#wanted = Math.max(0, this.#wanted - 1);
      this.#onMessage(new Delivery(message));
      return;
    }
    const code = message.headers?.code;
    if (code === HEARTBEAT_STATUS) return;
    const description = message.headers?.description ?? '';
    if (code === NO_RESPONDERS || (code === CONFLICT && !/expired/i.test(description))) {
      this.#renew(true);
      return;
    }
    this.#ended(message.subject.slice(prefix + 1), message.headers?.get('Nats-Pending-Messages'));
  }

  /** A request is over. The server says how many of its messages have not come. */
  #ended(token: string, pending: string | undefined): void {
    const size = this.#requests.get(token) ?? 0;
    this.#requests.delete(token);
    const left = pending === undefined || pending === '' ? size : Number(pending);
    this.#asked = Math.max(0, this.#asked - Math.min(left, size));
    this.#ask();
  }

  /** Forgets all requests, and makes them again on another inbox, so that a message of an old one is no surprise. */
  #renew(isRefused: boolean): void {
    if (this.#isClosed || this.#isRenewing) return;
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    this.#requests = new Map();
    this.#asked = 0;
    this.#isRenewing = true;
    void this.#again(isRefused);
  }

  async #again(isRefused: boolean): Promise<void> {
    if (isRefused) await this.#engine.pause(PAUSE);
    try {
      await this.#onLost();
    } catch {
      // The server refuses it now. The silence that follows brings us here again.
    }
    this.#isRenewing = false;
    this.#ask();
    this.#listen();
  }

  /** The server was heard. It must be heard again while requests wait. */
  #listen(): void {
    this.#silence?.cancel();
    this.#silence = undefined;
    if (this.#isClosed || this.#wanted === 0) return;
    this.#silence = new Timer(() => {
      this.#renew(false);
    }, SILENCE);
  }

  /** Messages that still come are handed back. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#forget();
    this.#silence?.cancel();
    this.#subscription?.unsubscribe();
  }
}

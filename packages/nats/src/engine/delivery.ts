import { type Msg, type MsgHdrs } from '@nats-io/transport-node';
import { serverTime } from './server-numbers.js';

const ACK = '+ACK';
const TERM = '+TERM';
const WORKING = '+WPI';

/** The place of the count of deliveries, from the end, in the reply subject of a message. */
const COUNT = -5;
const SEQUENCE = -4;
/** The tokens of the older form of the reply subject: `$JS.ACK.<stream>.<consumer>.<count>.<sequence>.…`. */
const OLD_TOKENS = 9;

/** A message that a stream has delivered, until it is acknowledged, handed back or dropped. */
export class Delivery {
  readonly #message: Msg;
  /** How often the message was delivered, this time included. */
  readonly count: number;
  /** The message's number in its stream. */
  readonly sequence: number;
  #onSettled: (() => void) | undefined;
  #isSettled = false;

  constructor(message: Msg) {
    this.#message = message;
    const tokens = (message.reply ?? '').split('.');
    // The newer form has the domain and the account in front, and a random token behind.
    const known = tokens.length === OLD_TOKENS ? tokens : tokens.slice(0, 11);
    this.count = Number(known.at(COUNT));
    this.sequence = Number(known.at(SEQUENCE));
  }

  get data(): Uint8Array {
    return this.#message.data;
  }

  get headers(): MsgHdrs | undefined {
    return this.#message.headers;
  }

  /** Returns a header; undefined if the message has none of that name. */
  header(name: string): string | undefined {
    const value = this.#message.headers?.get(name);
    return value === undefined || value === '' ? undefined : value;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Calls back when the message is acknowledged, handed back or dropped. */
  set onSettled(callback: () => void) {
    this.#onSettled = callback;
  }

  /** The message was handled: its stream forgets it. */
  ack(): void {
    this.#settle(ACK);
  }

  /** Hands the message back. It is delivered again after so many milliseconds. */
  nak(delay = 0): void {
    this.#settle(delay === 0 ? '-NAK' : `-NAK ${JSON.stringify({ delay: serverTime(delay) })}`);
  }

  /** Drops the message: it is not delivered again. */
  term(): void {
    this.#settle(TERM);
  }

  /** Renews the lease. */
  working(): void {
    if (!this.#isSettled) this.#respond(WORKING);
  }

  #settle(answer: string): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#onSettled?.();
    this.#respond(answer);
  }

  #respond(answer: string): void {
    try {
      this.#message.respond(answer);
    } catch {
      // The connection is closed: the server delivers the message again after the lease.
    }
  }
}

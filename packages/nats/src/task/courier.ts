import { now, Timer } from '@aiopipe/core/internal';
import { createInbox, type Msg, type MsgHdrs, type Subscription } from '@nats-io/transport-node';
import { type Engine } from '../engine/engine.js';
import { HEADER } from '../engine/headers.js';

/** Milliseconds for the peer's confirmation, before a message is sent again. */
const CONFIRMATION = 2000;
/** Milliseconds before a message is sent again: the first time, and at most. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 2000;

const NO_RESPONDERS = 503;

/** What became of a message: the peer has it, the peer does not want it any more, or nothing was heard of the peer. */
export type Receipt = 'taken' | 'unwanted' | 'lost';

/** A message on its way. */
interface Parcel {
  /** Undefined until the peer has answered. */
  receipt: Exclude<Receipt, 'lost'> | undefined;
  /** Ends the wait that it is in: there is a receipt, or the message was not heard. */
  wake: () => void;
}

/**
 * Sends messages to inboxes, each until its peer has confirmed it. A confirmation comes to the reply subject of a message, whose last
 * token tells it from others. One that is taken may list the tokens of more messages that are taken, too: see `Confirmations`.
 */
export class Courier {
  readonly #engine: Engine;
  readonly #inbox = createInbox();
  /** By their tokens. A message has one token, however often it is sent: a late confirmation counts, too. */
  readonly #parcels = new Map<string, Parcel>();
  #subscription: Subscription | undefined;
  #next = 0;
  #isClosed = false;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  get isClosed(): boolean {
    return this.#isClosed || this.#engine.isClosed;
  }

  /** Sends a message until it is confirmed, for at most `limit` milliseconds. It may arrive more than once. */
  async deliver(subject: string, data: Uint8Array, headers: MsgHdrs, limit: number): Promise<Receipt> {
    const end = now() + limit;
    const token = String(this.#next++);
    const parcel: Parcel = { receipt: undefined, wake: () => undefined };
    this.#parcels.set(token, parcel);
    try {
      for (let pause = FIRST_PAUSE; !this.isClosed; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
        this.#send(subject, data, headers, token);
        await this.#wait(parcel, CONFIRMATION);
        if (parcel.receipt !== undefined) return parcel.receipt;
        // No peer, or no answer: the connection of either side may be cut.
        if (this.isClosed || now() >= end) break;
        await this.#wait(parcel, pause);
        if (parcel.receipt !== undefined) return parcel.receipt;
      }
      return 'lost';
    } finally {
      this.#parcels.delete(token);
    }
  }

  #send(subject: string, data: Uint8Array, headers: MsgHdrs, token: string): void {
    const { nc } = this.#engine;
    try {
      this.#subscription ??= nc.subscribe(`${this.#inbox}.*`, {
        callback: (error, message) => {
          if (error === null) this.#confirmed(message);
        },
      });
      nc.publish(subject, data, { headers, reply: `${this.#inbox}.${token}` });
    } catch {
      // The connection is closed, or NATS refuses the message: nothing is heard of it.
    }
  }

  /** Resolves after so many milliseconds, or earlier: there is a receipt, the connection is back, or all is over. */
  #wait(parcel: Parcel, milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        forget();
        timer.cancel();
        parcel.wake = () => undefined;
        resolve();
      };
      const timer = new Timer(done, milliseconds);
      const forget = this.#engine.onReconnect(done);
      parcel.wake = done;
    });
  }

  #confirmed({ subject, headers, data }: Msg): void {
    const token = subject.slice(this.#inbox.length + 1);
    if (headers?.code === NO_RESPONDERS) {
      this.#parcels.get(token)?.wake();
      return;
    }
    const isGone = headers?.has(HEADER.gone) === true;
    this.#settle(token, isGone ? 'unwanted' : 'taken');
    if (isGone || data.length === 0) return;
    for (const other of new TextDecoder().decode(data).split(' ')) this.#settle(other, 'taken');
  }

  #settle(token: string, receipt: Exclude<Receipt, 'lost'>): void {
    const parcel = this.#parcels.get(token);
    if (parcel === undefined) return;
    parcel.receipt ??= receipt;
    parcel.wake();
  }

  /** Nothing is confirmed any more: what waits is lost. */
  close(): void {
    this.#isClosed = true;
    this.#subscription?.unsubscribe();
    for (const { wake } of [...this.#parcels.values()]) wake();
  }
}

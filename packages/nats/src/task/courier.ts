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

/**
 * Sends messages to inboxes, each until its peer has confirmed it. A confirmation comes to the reply subject of a message, whose last
 * token tells it from others. One that is taken may list the tokens of more messages that are taken, too: see `Confirmations`.
 */
export class Courier {
  readonly #engine: Engine;
  readonly #inbox = createInbox();
  /** By their tokens. */
  readonly #unconfirmed = new Map<string, (receipt: Receipt) => void>();
  #subscription: Subscription | undefined;
  #next = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Sends a message until it is confirmed, for at most `limit` milliseconds. It may arrive more than once. */
  async deliver(subject: string, data: Uint8Array, headers: MsgHdrs, limit: number): Promise<Receipt> {
    const engine = this.#engine;
    const end = now() + limit;
    for (let pause = FIRST_PAUSE; !engine.isClosed; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      const receipt = await this.#send(subject, data, headers);
      // No peer, or no answer: the connection of either side may be cut.
      if (receipt !== 'lost' || now() >= end) return receipt;
      await engine.pause(pause);
    }
    return 'lost';
  }

  #send(subject: string, data: Uint8Array, headers: MsgHdrs): Promise<Receipt> {
    const { nc } = this.#engine;
    const token = String(this.#next++);
    return new Promise((resolve) => {
      const settle = (receipt: Receipt) => {
        timer.cancel();
        this.#unconfirmed.delete(token);
        resolve(receipt);
      };
      const timer = new Timer(() => {
        settle('lost');
      }, CONFIRMATION);
      this.#unconfirmed.set(token, settle);
      try {
        this.#subscription ??= nc.subscribe(`${this.#inbox}.*`, {
          callback: (error, message) => {
            if (error === null) this.#confirmed(message);
          },
        });
        nc.publish(subject, data, { headers, reply: `${this.#inbox}.${token}` });
      } catch {
        // The connection is closed.
        settle('lost');
      }
    });
  }

  #confirmed({ subject, headers, data }: Msg): void {
    const token = subject.slice(this.#inbox.length + 1);
    const isLost = headers?.code === NO_RESPONDERS;
    const isGone = headers?.has(HEADER.gone) === true;
    this.#unconfirmed.get(token)?.(isLost ? 'lost' : isGone ? 'unwanted' : 'taken');
    if (isLost || isGone || data.length === 0) return;
    for (const other of new TextDecoder().decode(data).split(' ')) this.#unconfirmed.get(other)?.('taken');
  }

  /** Nothing is confirmed any more. */
  close(): void {
    this.#subscription?.unsubscribe();
    for (const settle of [...this.#unconfirmed.values()]) settle('lost');
  }
}

import { Timer } from '@aiopipe/core/internal';
import { type NatsConnection } from '@nats-io/transport-node';

/** Milliseconds that a confirmation waits for others of the same peer. The peer's worker is free meanwhile. */
const GATHERING = 5;
/** Tokens in one message. */
const MOST = 1000;

/** Confirms messages of a {@link Courier}: those that came within some milliseconds, with one message. */
export class Confirmations {
  readonly #nc: NatsConnection;
  /** The tokens of messages, by the inboxes of their senders. */
  readonly #tokens = new Map<string, string[]>();
  #timer: Timer | undefined;

  constructor(nc: NatsConnection) {
    this.#nc = nc;
  }

  /** The message with this reply subject is taken. */
  add(reply: string | undefined): void {
    if (reply === undefined) return;
    const dot = reply.lastIndexOf('.');
    const [inbox, token] = [reply.slice(0, dot), reply.slice(dot + 1)];
    const tokens = this.#tokens.get(inbox);
    if (tokens === undefined) this.#tokens.set(inbox, [token]);
    else if (tokens.push(token) >= MOST) this.send();
    this.#timer ??= new Timer(() => {
      this.send();
    }, GATHERING);
  }

  /** Sends what was gathered. */
  send(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const [inbox, [first, ...others]] of this.#tokens) {
      try {
        this.#nc.publish(`${inbox}.${String(first)}`, others.join(' '));
      } catch {
        // The connection is closed: the peer sends the messages again, and gives up.
      }
    }
    this.#tokens.clear();
  }
}

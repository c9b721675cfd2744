import { checkMilliseconds } from '@aiopipe/core/internal';
import { type Delivery } from '../engine/delivery.js';

/**
 * A message that `receive()` has taken. Its lease is renewed until it is acknowledged, handed back or dropped.
 *
 * @example
 * ```ts
 * import { Cluster } from '@aiopipe/nats';
 * import { connect } from '@nats-io/transport-node';
 *
 * const nc = await connect({ servers: 'nats://127.0.0.1:4222' });
 * const cluster = await Cluster.open(nc, { name: 'by-hand' });
 * const reader = cluster.reader<string>('jobs');
 * await cluster.writer<string>('jobs').put('resize');
 * (await reader.receive()).nak(); // hands it back
 * const job = await reader.receive();
 * console.log(job.value, job.attempt);
 * job.ack();
 * await cluster[Symbol.asyncDispose]();
 * await nc.close();
 * ```
 * ```text
 * resize 2
 * ```
 */
export class Delivered<Message = unknown> {
  /** The message. */
  readonly value: Message;
  /** How often the message was delivered, this time included. */
  readonly attempt: number;
  readonly #delivery: Delivery;
  readonly #onHandled: () => void;

  private constructor(value: Message, delivery: Delivery, onHandled: () => void) {
    this.value = value;
    this.attempt = delivery.count;
    this.#delivery = delivery;
    this.#onHandled = onHandled;
  }

  /** @internal */
  static make<Message>(value: Message, delivery: Delivery, onHandled: () => void): Delivered<Message> {
    return new Delivered(value, delivery, onHandled);
  }

  /** The message was handled: it does not come again. A later call changes nothing. */
  ack(): void {
    if (this.#delivery.isSettled) return;
    this.#delivery.ack();
    this.#onHandled();
  }

  /** Hands the message back. It is delivered again after `delay` milliseconds. Default: at once. */
  nak(delay?: number): void {
    checkMilliseconds('delay', delay);
    this.#delivery.nak(delay);
  }

  /** Drops the message: it does not come again, and was not handled. */
  term(): void {
    if (this.#delivery.isSettled) return;
    this.#delivery.term();
    this.#onHandled();
  }
}

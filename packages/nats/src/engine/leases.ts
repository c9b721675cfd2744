import { clearInterval, setInterval } from '@aiopipe/core/internal';
import { type Delivery } from './delivery.js';

/** How often a lease is renewed before it would end. */
const RENEWALS = 3;

/** Renews the leases of messages that are being handled: the server would deliver them to another reader. */
export class Leases {
  readonly #lease: number;
  readonly #held = new Set<Delivery>();
  #timer: NodeJS.Timeout | undefined;

  /** @param lease - milliseconds */
  constructor(lease: number) {
    this.#lease = lease;
  }

  /** Renews the lease of a message until it is settled. */
  hold(delivery: Delivery): void {
    this.#held.add(delivery);
    delivery.onSettled = () => {
      this.#held.delete(delivery);
      if (this.#held.size === 0) this.#stop();
    };
    this.#timer ??= setInterval(() => {
      for (const each of this.#held) each.working();
    }, this.#lease / RENEWALS);
  }

  /** The leases of messages that are not settled end by themselves. */
  close(): void {
    this.#held.clear();
    this.#stop();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

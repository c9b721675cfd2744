import { now, setImmediate, Timer } from '@aiopipe/core/internal';
import { type Delivery } from './delivery.js';

/** How often a lease is renewed before it would end. */
const RENEWALS = 3;

/** Renews the leases of messages that are being handled: the server would deliver them to another reader. */
export class Leases {
  /** Milliseconds. */
  readonly lease: number;
  readonly #held = new Set<Delivery>();
  #timer: Timer;
  #last = now();
  #isLate = false;

  constructor(lease: number) {
    this.lease = lease;
    this.#timer = this.#next();
  }

  /** The connection keeps the process alive, as the user wants it; the timer does not. */
  #next(): Timer {
    return new Timer(this.#renew, this.lease / RENEWALS).unref();
  }

  /**
   * Whether this process has just stood still for longer than a lease: it was stopped, or its machine slept. What was delivered
   * meanwhile may have been delivered to others since.
   */
  get wasStopped(): boolean {
    return this.#isLate || now() - this.#last > this.lease;
  }

  /** Renews the lease of a message until it is settled. */
  hold(delivery: Delivery): void {
    this.#held.add(delivery);
    delivery.onSettled = () => {
      this.#held.delete(delivery);
    };
  }

  readonly #renew = (): void => {
    if (this.wasStopped) {
      this.#isLate = true;
      // This timer may come before the messages that wait at the socket: they are read in the next turn.
      setImmediate(() => {
        setImmediate(() => {
          this.#isLate = false;
        });
      });
    }
    this.#last = now();
    this.#timer = this.#next();
    for (const delivery of this.#held) delivery.working();
  };

  /** The leases of messages that are not settled end by themselves. */
  close(): void {
    this.#held.clear();
    this.#timer.cancel();
  }
}

import { type DecodeError } from '@aiopipe/codec';
import { type ReadEnd } from '@aiopipe/core';
import { clearTimeout, setTimeout } from '@aiopipe/core/internal';
import { NUMBER_LENGTH, readNow } from './claims.js';
import { type Ask, type TaskKind } from './protocol.js';

/** A task of the pool, and its number. */
export interface Order {
  readonly number: number;
  readonly ask: Extract<Ask, readonly [kind: TaskKind, ...unknown[]]> | DecodeError;
}

/** Milliseconds between two looks for the number of an order, at first and at most. */
const FIRST_LOOK = 1;
const LONGEST_LOOK = 64;

/** A worker's orders that are not begun. The worker claims them one by one, each when the one before it is done. */
export class Orders {
  readonly #claims: ReadEnd;
  readonly #begin: (order: Order) => void;
  readonly #number = Buffer.alloc(NUMBER_LENGTH);
  /** Orders that have arrived and are not started. */
  #orders: Order[] = [];
  #count = 0;
  /** The number of an order that was claimed and has not come yet. */
  #owed: number | undefined;
  #isBusy = false;
  #lookTimer: NodeJS.Timeout | undefined;

  /** @param begin - called with an order that was claimed; it must call {@link done} when the order is done */
  constructor(claims: ReadEnd, begin: (order: Order) => void) {
    this.#claims = claims;
    this.#begin = begin;
  }

  add(ask: Order['ask']): void {
    this.#orders.push({ number: this.#count, ask });
    this.#count = (this.#count + 1) >>> 0;
    if (!this.#isBusy) this.#next();
  }

  /** The pool has taken back the orders that were not claimed. */
  forget(): void {
    this.#orders = [];
  }

  /** The order that was begun is done. */
  done(): void {
    this.#isBusy = false;
    this.#next();
  }

  /** Begins the next order, if there is one that can be claimed. */
  #next(delay = FIRST_LOOK): void {
    clearTimeout(this.#lookTimer);
    if (this.#orders.length === 0) return;
    const number = this.#owed ?? this.#claim();
    if (number === undefined) {
      // The pool has taken back all orders, and TAKEN comes; or the read was interrupted.
      this.#lookTimer = setTimeout(() => {
        if (!this.#isBusy) this.#next(Math.min(2 * delay, LONGEST_LOOK));
      }, delay);
      return;
    }
    // Orders that were taken back have no number any more.
    while (this.#orders.length > 0 && this.#orders[0]?.number !== number) this.#orders.shift();
    const order = this.#orders.shift();
    this.#owed = order === undefined ? number : undefined;
    if (order === undefined) return;
    this.#isBusy = true;
    this.#begin(order);
  }

  /** A number arrives before its order. If there is no number, the order was taken back. */
  #claim(): number | undefined {
    return readNow(this.#claims.fd, this.#number) === 0 ? undefined : this.#number.readUInt32LE();
  }
}

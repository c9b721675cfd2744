import { Heap, type Heaped } from './heap.js';

/** Milliseconds of waiting that count as much as a priority of 1. */
const AGING = 1000;

/** An item of a {@link Queue}. It can be in one queue at a time. */
export interface Queued<Item> extends Heaped {
  /** Set by the queue. */
  before: Item | undefined;
  after: Item | undefined;
  /** A number that grows from item to item. */
  readonly order: number;
  /** Milliseconds. Grows from item to item, or stays. */
  readonly calledAt: number;
  readonly priority: number;
}

/**
 * Whether an item comes before another one. All items gain by waiting, and equally fast, so two items never change places:
 * a priority is the same as a call that many seconds earlier.
 */
export function isBefore(one: Queued<unknown>, other: Queued<unknown>): boolean {
  const lead = one.calledAt - one.priority * AGING - (other.calledAt - other.priority * AGING);
  return lead < 0 || (lead === 0 && one.order < other.order);
}

/**
 * Items by their priority and the time of their calls. Items without a priority stand in a list, for which nothing is
 * compared. An item in the middle is removed fast, however long the queue is.
 */
export class Queue<Item extends Queued<Item>> {
  #first: Item | undefined;
  #last: Item | undefined;
  #length = 0;
  /** Items with a priority. Most queues have none. */
  #heap: Heap<Item> | undefined;

  get length(): number {
    return this.#length;
  }

  get first(): Item | undefined {
    const first = this.#heap?.first;
    return first === undefined || (this.#first !== undefined && isBefore(this.#first, first)) ? this.#first : first;
  }

  /** Adds the item that was called last of all. */
  push(item: Item): void {
    if (item.priority === 0) this.#insert(item, undefined);
    else this.#addToHeap(item);
  }

  /** Puts an item back to its place, which is near the front. */
  putBack(item: Item): void {
    this.merge([item]);
  }

  /** Puts items back to their places. They are in the order of their calls. */
  merge(items: Iterable<Item>): void {
    let after = this.#first;
    for (const item of items) {
      if (item.priority !== 0) {
        this.#addToHeap(item);
        continue;
      }
      if (this.#last !== undefined && this.#last.order < item.order) after = undefined;
      while (after !== undefined && after.order < item.order) ({ after } = after);
      this.#insert(item, after);
    }
  }

  #addToHeap(item: Item): void {
    (this.#heap ??= new Heap<Item>(isBefore)).add(item);
    this.#length++;
  }

  #insert(item: Item, after: Item | undefined): void {
    const before = after === undefined ? this.#last : after.before;
    item.before = before;
    item.after = after;
    if (before === undefined) this.#first = item;
    else before.after = item;
    if (after === undefined) this.#last = item;
    else after.before = item;
    this.#length++;
  }

  shift(): Item | undefined {
    const item = this.first;
    if (item !== undefined) this.remove(item);
    return item;
  }

  /** Removes an item that is in the queue. */
  remove(item: Item): void {
    this.#length--;
    if (item.priority !== 0) {
      this.#heap?.remove(item);
      return;
    }
    const { before, after } = item;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    item.before = item.after = undefined;
  }
}

/** An item of a {@link Queue}. It can be in one queue at a time. */
export interface Queued<Item> {
  /** Set by the queue. */
  before: Item | undefined;
  after: Item | undefined;
  /** A number that grows from item to item. */
  readonly order: number;
}

/** A list of items in their order. An item in the middle is removed at once, however long the queue is. */
export class Queue<Item extends Queued<Item>> {
  #first: Item | undefined;
  #last: Item | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get first(): Item | undefined {
    return this.#first;
  }

  /** Adds the last of all items. */
  push(item: Item): void {
    item.before = this.#last;
    if (this.#last === undefined) this.#first = item;
    else this.#last.after = item;
    this.#last = item;
    this.#length++;
  }

  /** Puts an item back to its place in the order, which is near the front. */
  putBack(item: Item): void {
    let after = this.#first;
    while (after !== undefined && after.order < item.order) ({ after } = after);
    if (after === undefined) {
      this.push(item);
      return;
    }
    item.after = after;
    item.before = after.before;
    if (after.before === undefined) this.#first = item;
    else after.before.after = item;
    after.before = item;
    this.#length++;
  }

  shift(): Item | undefined {
    const item = this.#first;
    if (item !== undefined) this.remove(item);
    return item;
  }

  /** Removes an item that is in the queue. */
  remove(item: Item): void {
    const { before, after } = item;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    item.before = item.after = undefined;
    this.#length--;
  }
}

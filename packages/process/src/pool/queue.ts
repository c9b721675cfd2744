/** What can stand in a {@link Queue}: in one at a time. */
export interface Queued<Item> {
  /** The queue's own. */
  before: Item | undefined;
  after: Item | undefined;
  /** A number that grows from item to item. */
  readonly order: number;
}

/** Items in their order. One in the middle can leave at once, however long the queue is. */
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

  /** Puts an item back that has left: to where it belongs, which is near the front. */
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

  /** Of an item that stands in it. */
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

/** What can stand in a {@link Queue}: in one at a time. */
export interface Queued<Item> {
  /** The queue's own. */
  before: Item | undefined;
  after: Item | undefined;
}

/** First in, first out; and an item in the middle can leave at once, however long the queue is. */
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

  push(item: Item): void {
    item.before = this.#last;
    if (this.#last === undefined) this.#first = item;
    else this.#last.after = item;
    this.#last = item;
    this.#length++;
  }

  unshift(item: Item): void {
    item.after = this.#first;
    if (this.#first === undefined) this.#last = item;
    else this.#first.before = item;
    this.#first = item;
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

/** An item of a {@link Heap}. It can be in one heap at a time. */
export interface Heaped {
  /** Set by the heap: the place of the item, or -1. */
  place: number;
}

/** A binary heap: the first item is found at once, and any item is added or removed in logarithmic time. */
export class Heap<Item extends Heaped> {
  readonly #items: Item[] = [];
  readonly #isBefore: (one: Item, other: Item) => boolean;

  constructor(isBefore: (one: Item, other: Item) => boolean) {
    this.#isBefore = isBefore;
  }

  get first(): Item | undefined {
    return this.#items[0];
  }

  add(item: Item): void {
    this.#items.push(item);
    this.#rise(item, this.#items.length - 1);
  }

  /** Removes an item that is in the heap. */
  remove(item: Item): void {
    const { place } = item;
    const last = this.#items.pop() as Item;
    item.place = -1;
    if (last === item) return;
    this.#rise(last, place);
    this.#sink(last);
  }

  #put(item: Item, place: number): void {
    this.#items[place] = item;
    item.place = place;
  }

  #rise(item: Item, from: number): void {
    let place = from;
    while (place > 0) {
      const above = this.#items[(place - 1) >> 1] as Item;
      if (!this.#isBefore(item, above)) break;
      this.#put(above, place);
      place = (place - 1) >> 1;
    }
    this.#put(item, place);
  }

  #sink(item: Item): void {
    const items = this.#items;
    for (;;) {
      const { place } = item;
      const left = items[2 * place + 1];
      const right = items[2 * place + 2];
      const below = right !== undefined && left !== undefined && this.#isBefore(right, left) ? right : left;
      if (below === undefined || !this.#isBefore(below, item)) return;
      const next = below.place;
      this.#put(below, place);
      this.#put(item, next);
    }
  }
}

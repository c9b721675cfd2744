/** Objects of the program with notes about each. It does not keep them: one that the program has dropped is no longer listed. */
export class WeakList<Item extends object, Notes> {
  readonly #entries = new Map<number, { readonly item: WeakRef<Item>; readonly notes: Notes }>();
  readonly #numbers = new WeakMap<Item, number>();
  readonly #collected = new FinalizationRegistry<number>((number) => this.#entries.delete(number));
  #count = 0;

  /** @param note - makes the notes from the item's number, which is unique in the list */
  add(item: Item, note: (number: number) => Notes): void {
    const number = ++this.#count;
    this.#numbers.set(item, number);
    this.#entries.set(number, { item: new WeakRef(item), notes: note(number) });
    this.#collected.register(item, number, item);
  }

  delete(item: Item): void {
    const number = this.#numbers.get(item);
    if (number === undefined) return;
    this.#entries.delete(number);
    this.#collected.unregister(item);
  }

  /** Returns the notes about an item; undefined if it is not in the list. */
  notes(item: Item): Notes | undefined {
    const number = this.#numbers.get(item);
    return number === undefined ? undefined : this.#entries.get(number)?.notes;
  }

  /** Lists the items that are there, the oldest first. */
  *[Symbol.iterator](): Generator<{ readonly item: Item; readonly notes: Notes }, void, undefined> {
    for (const { item, notes } of this.#entries.values()) {
      const held = item.deref();
      if (held !== undefined) yield { item: held, notes };
    }
  }
}

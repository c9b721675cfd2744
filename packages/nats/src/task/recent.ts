/** Remembers the names that it was given last, so that its memory is bounded. */
export class Recent {
  readonly #most: number;
  #newer = new Set<string>();
  #older = new Set<string>();

  /** @param most - how many names it remembers at least */
  constructor(most: number) {
    this.#most = most;
  }

  add(name: string): void {
    this.#newer.add(name);
    if (this.#newer.size < this.#most) return;
    this.#older = this.#newer;
    this.#newer = new Set();
  }

  delete(name: string): void {
    this.#newer.delete(name);
    this.#older.delete(name);
  }

  has(name: string): boolean {
    return this.#newer.has(name) || this.#older.has(name);
  }
}

const EMPTY = Buffer.alloc(0);

/** Bytes in the order in which they came, taken from the front in any portions. Copies only across two chunks. */
export class ByteQueue {
  #chunks: Buffer[] = [];
  #first = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** The first `count` bytes; there must be as many. */
  take(count: number): Buffer {
    if (count === 0) return EMPTY;
    const head = this.#chunks[this.#first] as Buffer;
    if (count <= head.length) {
      this.#advance(head, count);
      return head.length === count ? head : head.subarray(0, count);
    }
    const whole = Buffer.allocUnsafe(count);
    let filled = 0;
    while (filled < count) {
      const chunk = this.#chunks[this.#first] as Buffer;
      const part = Math.min(chunk.length, count - filled);
      chunk.copy(whole, filled, 0, part);
      filled += part;
      this.#advance(chunk, part);
    }
    return whole;
  }

  /** A copy of all of them, which stay. */
  get bytes(): Buffer {
    return Buffer.concat(this.#chunks.slice(this.#first));
  }

  #advance(head: Buffer, count: number): void {
    this.#length -= count;
    if (count < head.length) {
      this.#chunks[this.#first] = head.subarray(count);
      return;
    }
    this.#chunks[this.#first] = EMPTY;
    this.#first++;
    if (this.#first === this.#chunks.length || this.#first > 1024) {
      this.#chunks.splice(0, this.#first);
      this.#first = 0;
    }
  }

  /** As many bytes as lie in one piece at the front: what can be taken without a copy. */
  get firstLength(): number {
    return this.#chunks[this.#first]?.length ?? 0;
  }

  /**
   * Where `separator` begins, looking from `from` on; -1 if it is not there. A separator may lie across chunks.
   */
  indexOf(separator: Uint8Array, from: number): number {
    const last = separator.length - 1;
    let start = 0;
    for (let i = this.#first; i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i] as Buffer;
      const end = start + chunk.length;
      if (end > from) {
        const found = chunk.indexOf(separator, Math.max(0, from - start));
        if (found >= 0) return start + found;
        for (let at = Math.max(from, end - last); at < end; at++)
          if (this.#matches(separator, i, at - start)) return at;
      }
      start = end;
    }
    return -1;
  }

  #matches(separator: Uint8Array, index: number, offset: number): boolean {
    let chunk = this.#chunks[index];
    for (const byte of separator) {
      while (chunk !== undefined && offset >= chunk.length) {
        chunk = this.#chunks[++index];
        offset = 0;
      }
      if (chunk?.[offset++] !== byte) return false;
    }
    return true;
  }
}

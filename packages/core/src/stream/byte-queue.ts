import { shareMemory } from './large-memory.js';

const EMPTY = Buffer.alloc(0);
const NEWLINE = 10;

/** How many bytes are decoded at once into lines: at first, and at most. */
const MIN_DECODED = 512;
export const MAX_DECODED = 64 * 1024;

/** Bytes in the order in which they came, taken from the front in any portions. Copies only across two chunks. */
export class ByteQueue {
  readonly #separator: number;
  readonly #separatorText: string;
  readonly #encoding: 'utf8' | 'latin1';
  #chunks: Buffer[] = [];
  #first = 0;
  /** How many bytes of the first chunk were taken. A view of the rest, made at each take, would double the cost of a take. */
  #offset = 0;
  #length = 0;
  /**
   * Whole lines from the front of the first chunk, decoded at once: six times as fast as one by one. Their bytes stay in
   * the chunk until a call asks for something else than the next line. Then the bytes of the taken lines are dropped.
   */
  #text = '';
  /** The offset of the next line in `#text`; past its end if there is none. */
  #textStart = 1;
  /** How many bytes of `#text` are still in the chunk. */
  #textBytes = 0;
  #linesTaken = 0;
  /** Grows while calls ask for lines only: other calls make the decoded text useless. */
  #toDecode = MIN_DECODED;

  /** @param separator - the byte that ends what {@link takeLine} gives */
  constructor(separator = NEWLINE, encoding: 'utf8' | 'latin1' = 'utf8') {
    this.#separator = separator;
    this.#separatorText = String.fromCharCode(separator);
    this.#encoding = encoding;
  }

  get length(): number {
    this.#dropLines();
    return this.#length;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** Takes the first `count` bytes, and drops the last `dropped` of them. There must be as many. */
  take(count: number, dropped = 0): Buffer {
    if (count === 0) return EMPTY;
    this.#forgetText();
    const head = this.#chunks[this.#first] as Buffer;
    const start = this.#offset;
    if (count <= head.length - start) {
      this.#advance(head, count);
      const length = count - dropped;
      return head.length === length ? head : head.subarray(start, start + length);
    }
    const whole = Buffer.allocUnsafe(count);
    let filled = 0;
    while (filled < count) {
      const chunk = this.#chunks[this.#first] as Buffer;
      const part = Math.min(chunk.length - this.#offset, count - filled);
      chunk.copy(whole, filled, this.#offset, this.#offset + part);
      filled += part;
      this.#advance(chunk, part);
    }
    return dropped === 0 ? whole : whole.subarray(0, count - dropped);
  }

  /** Takes the next line as a string, without its newline. Returns undefined if it does not lie whole in the first chunk, or is long. */
  takeLine(): string | undefined {
    if (this.#textStart > this.#text.length && !this.#decodeLines()) return undefined;
    const start = this.#textStart;
    const end = this.#text.indexOf(this.#separatorText, start);
    this.#linesTaken++;
    if (end >= 0) {
      this.#textStart = end + 1;
      return this.#text.slice(start, end);
    }
    const line = this.#text.slice(start);
    this.#textStart = this.#text.length + 1;
    this.#dropLines();
    return line;
  }

  #decodeLines(): boolean {
    const head = this.#chunks[this.#first];
    if (head === undefined) return false;
    const start = this.#offset;
    const last = head.subarray(start, start + this.#toDecode).lastIndexOf(this.#separator);
    this.#toDecode = Math.min(2 * this.#toDecode, MAX_DECODED);
    if (last < 0) return false;
    this.#text = head.toString(this.#encoding, start, start + last);
    this.#textStart = 0;
    this.#textBytes = last + 1;
    return true;
  }

  #dropLines(): void {
    if (this.#linesTaken === 0) return;
    const head = this.#chunks[this.#first] as Buffer;
    let end = this.#offset;
    if (this.#textStart > this.#text.length) end += this.#textBytes;
    else for (let line = 0; line < this.#linesTaken; line++) end = head.indexOf(this.#separator, end) + 1;
    const count = end - this.#offset;
    this.#linesTaken = 0;
    this.#textBytes -= count;
    this.#advance(head, count);
  }

  #forgetText(): void {
    this.#dropLines();
    if (this.#textBytes > 0) this.#toDecode = MIN_DECODED;
    this.#text = '';
    this.#textStart = 1;
    this.#textBytes = 0;
  }

  /** Copies all bytes, which stay. */
  get bytes(): Buffer {
    this.#dropLines();
    const chunks = this.#chunks.slice(this.#first);
    if (chunks[0] !== undefined) chunks[0] = chunks[0].subarray(this.#offset);
    return Buffer.concat(chunks);
  }

  #advance(head: Buffer, count: number): void {
    this.#length -= count;
    const start = this.#offset;
    if (start + count < head.length) {
      // The chunk had its memory for itself. A program that transfers one part would take the others along.
      if (start === 0 && head.length === head.buffer.byteLength) shareMemory(head);
      this.#offset = start + count;
      return;
    }
    this.#offset = 0;
    this.#chunks[this.#first] = EMPTY;
    this.#first++;
    if (this.#first === this.#chunks.length || this.#first > 1024) {
      this.#chunks.splice(0, this.#first);
      this.#first = 0;
    }
  }

  /** The length of the first chunk: so many bytes can be taken without a copy. */
  get firstLength(): number {
    this.#dropLines();
    return (this.#chunks[this.#first]?.length ?? 0) - this.#offset;
  }

  /**
   * Returns where `separator` begins at or after `from`; -1 if it does not come. It may lie across chunks.
   */
  indexOf(separator: Uint8Array, from: number): number {
    this.#dropLines();
    const last = separator.length - 1;
    // A search for one byte is five times as fast if it is given as a number.
    const wanted = last === 0 ? (separator[0] as number) : separator;
    let start = -this.#offset;
    for (let i = this.#first; i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i] as Buffer;
      const end = start + chunk.length;
      if (end > from) {
        const found = chunk.indexOf(wanted, Math.max(0, from - start));
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

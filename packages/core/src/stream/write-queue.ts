import { Gathered } from './gathered.js';

/** The number of parts that one system call takes. */
const MAX_PARTS = 64;

/** A part whose memory was transferred or made smaller while it waited. */
export interface LostPart {
  /** The offset of the part, in bytes from the front of the queue. */
  readonly start: number;
  /** How many of its bytes were still to be written. */
  readonly length: number;
  /** How many of them had been written: 0 unless it was the first. */
  readonly written: number;
}

/** The bytes that a writer has accepted and the kernel has not, in order: large parts as they are, small ones gathered. */
export class WriteQueue {
  /** Small writes, behind all parts. */
  readonly gathered = new Gathered();
  #parts: Buffer[] = [];
  /** How long each part was when it came: its memory is the caller's, who may transfer it. */
  #lengths: number[] = [];
  /** How many bytes of the first part have been written. */
  offset = 0;

  get hasParts(): boolean {
    return this.#parts.length > 0;
  }

  /** Adds a part, which is not copied. */
  push(part: Buffer): void {
    this.seal();
    this.#parts.push(part);
    this.#lengths.push(part.length);
  }

  /** Adds a small write, which is copied. */
  append(bytes: Buffer): void {
    if (!this.gathered.fits(bytes)) {
      this.seal();
      this.gathered.renew();
    }
    this.gathered.append(bytes);
  }

  /** Makes a part of what was gathered. */
  seal(): void {
    if (this.gathered.length === 0) return;
    const part = this.gathered.take();
    this.#parts.push(part);
    this.#lengths.push(part.length);
  }

  /** The parts for one system call. The first one begins at {@link offset}. */
  get next(): readonly Buffer[] {
    return this.#parts.length > MAX_PARTS ? this.#parts.slice(0, MAX_PARTS) : this.#parts;
  }

  /** Takes a part out that was lost, if there is one among {@link next}. */
  takeLost(): LostPart | undefined {
    let start = -this.offset;
    const count = Math.min(this.#parts.length, MAX_PARTS);
    for (let i = 0; i < count; i++) {
      const length = this.#lengths[i] as number;
      if ((this.#parts[i] as Buffer).length !== length) {
        const written = i === 0 ? this.offset : 0;
        this.#parts.splice(i, 1);
        this.#lengths.splice(i, 1);
        if (i === 0) this.offset = 0;
        return { start: start + written, length: length - written, written };
      }
      start += length;
    }
    return undefined;
  }

  /** Takes `count` bytes off the front. */
  advance(count: number): void {
    this.offset += count;
    let done = 0;
    while (done < this.#parts.length) {
      const length = this.#lengths[done] as number;
      if (this.offset < length) break;
      this.offset -= length;
      done++;
    }
    if (done === 0) return;
    if (done === this.#parts.length) {
      this.#parts = [];
      this.#lengths = [];
    } else {
      this.#parts.splice(0, done);
      this.#lengths.splice(0, done);
    }
  }

  /** A caller that no longer waits may change its memory. */
  copyParts(): void {
    this.#parts = this.#parts.map((part, i) => (part.length === this.#lengths[i] ? Buffer.from(part) : part));
  }

  clear(): void {
    this.#parts = [];
    this.#lengths = [];
    this.offset = 0;
    this.gathered.clear();
  }
}

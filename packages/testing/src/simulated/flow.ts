/** Descriptors that travel with a write. */
export interface Parcel {
  /** The position of its first byte in the stream, and the position behind its last one. */
  readonly start: number;
  readonly end: number;
  readonly descriptions: readonly unknown[];
}

/** The bytes that travel in one direction. */
export class Flow {
  readonly #ring: Buffer;
  /** The positions in the stream. */
  #taken = 0;
  #put = 0;
  readonly #parcels: Parcel[] = [];
  /** No more bytes come. */
  isEnded = false;
  /** No bytes are taken any more. */
  isUnread = false;
  /** The reader gets ECONNRESET once, behind the last byte. */
  wasReset = false;

  constructor(capacity: number) {
    this.#ring = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#put - this.#taken;
  }

  get room(): number {
    return this.#ring.length - this.length;
  }

  put(parts: readonly Uint8Array[], count: number, descriptions: readonly unknown[] | undefined): void {
    if (descriptions !== undefined) this.#parcels.push({ start: this.#put, end: this.#put + count, descriptions });
    for (const part of parts) {
      const size = Math.min(part.length, count);
      count -= size;
      for (let done = 0; done < size;) {
        const at = this.#put % this.#ring.length;
        const some = Math.min(size - done, this.#ring.length - at);
        this.#ring.set(part.subarray(done, done + some), at);
        this.#put += some;
        done += some;
      }
    }
  }

  /** One call takes the descriptors of one write at most, and no byte behind that write. */
  take(bytes: Uint8Array, offset: number, most: number): { count: number; parcel: Parcel | undefined } {
    const first = this.#parcels[0];
    let end = this.#taken + most;
    const isHere = first !== undefined && first.start < end;
    if (isHere) {
      end = Math.min(end, first.end);
      this.#parcels.shift();
    }
    const count = end - this.#taken;
    while (this.#taken < end) {
      const at = this.#taken % this.#ring.length;
      const some = Math.min(end - this.#taken, this.#ring.length - at);
      bytes.set(this.#ring.subarray(at, at + some), offset);
      this.#taken += some;
      offset += some;
    }
    return { count, parcel: isHere ? first : undefined };
  }

  /** Drops the bytes that were not taken. Returns the descriptors that were on their way. */
  drop(): Parcel[] {
    this.#taken = this.#put;
    return this.#parcels.splice(0);
  }
}

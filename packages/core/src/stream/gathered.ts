/** Writes below this are gathered by copying, and flushed at the end of the turn or when the buffer is full. */
export const GATHER_BELOW = 16 * 1024;
const SIZE = 64 * 1024;

/** Small writes, one behind the other in one buffer, until the kernel takes them together. */
export class Gathered {
  buffer = Buffer.alloc(0);
  /** Where in the buffer they begin: what is before went on as a part of its own. */
  start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.start;
  }

  /** As good as full: the next small write might not fit. */
  get isFull(): boolean {
    return this.length > SIZE - GATHER_BELOW;
  }

  fits(bytes: Buffer): boolean {
    return this.#end + bytes.length <= this.buffer.length;
  }

  /** Gathers in another buffer from here on. What this one held must have been taken. */
  renew(): void {
    this.buffer = Buffer.allocUnsafeSlow(SIZE);
    this.start = this.#end = 0;
  }

  append(bytes: Buffer): void {
    bytes.copy(this.buffer, this.#end);
    this.#end += bytes.length;
  }

  /** All of them, as a part that nothing is written to any more. */
  take(): Buffer {
    const part = this.buffer.subarray(this.start, this.#end);
    this.start = this.#end;
    return part;
  }

  clear(): void {
    this.#end = this.start;
  }

  /** The kernel has all that was ever taken: the whole buffer is free, so that none is allocated while the reader keeps up. */
  reuse(): void {
    this.start = this.#end = 0;
  }
}

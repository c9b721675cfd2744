/** Writes of fewer bytes are copied into one buffer, which is flushed at the end of the turn or when it is full. */
export const GATHER_BELOW = 16 * 1024;
const SIZE = 64 * 1024;

/** Small writes in one buffer, which one system call gives to the kernel. */
export class Gathered {
  buffer = Buffer.alloc(0);
  /** The offset of the writes in the buffer. The bytes before it were taken as a part. */
  start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.start;
  }

  /** Whether the next small write might not fit. */
  get isFull(): boolean {
    return this.length > SIZE - GATHER_BELOW;
  }

  fits(bytes: Buffer): boolean {
    return this.#end + bytes.length <= this.buffer.length;
  }

  /** Begins a new buffer. The bytes of the old one must have been taken. */
  renew(): void {
    this.buffer = Buffer.allocUnsafeSlow(SIZE);
    this.start = this.#end = 0;
  }

  append(bytes: Buffer): void {
    bytes.copy(this.buffer, this.#end);
    this.#end += bytes.length;
  }

  /** Takes all bytes as a part, which is not written to any more. */
  take(): Buffer {
    const part = this.buffer.subarray(this.start, this.#end);
    this.start = this.#end;
    return part;
  }

  clear(): void {
    this.#end = this.start;
  }

  /** Frees the whole buffer: the kernel has all parts of it. So no buffer is allocated while the reader is fast enough. */
  reuse(): void {
    this.start = this.#end = 0;
  }
}

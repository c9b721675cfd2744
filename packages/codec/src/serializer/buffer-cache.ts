/** Keeps a large buffer that is out of use, until it is used again or the garbage collector takes its memory. */
export class BufferCache {
  #buffer: WeakRef<Buffer> | undefined;

  /** No other code may use the buffer, or a part of it. */
  keep(buffer: Buffer): void {
    this.#buffer = new WeakRef(buffer);
  }

  /** Returns the kept buffer, if it is still there and has that size, in bytes. */
  take(atLeast: number, atMost = Infinity): Buffer | undefined {
    const buffer = this.#buffer?.deref();
    if (buffer === undefined || buffer.length < atLeast || buffer.length > atMost) return undefined;
    this.#buffer = undefined;
    return buffer;
  }
}

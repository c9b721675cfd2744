/** A large buffer that is out of use, until it is used again or the garbage collector wants its memory. */
export class Spare {
  #buffer: WeakRef<Buffer> | undefined;

  /** Nobody else may have it, or a part of it. */
  keep(buffer: Buffer): void {
    this.#buffer = new WeakRef(buffer);
  }

  /** The one that was kept, if it is still there and of that size, in bytes. */
  take(atLeast: number, atMost = Infinity): Buffer | undefined {
    const buffer = this.#buffer?.deref();
    if (buffer === undefined || buffer.length < atLeast || buffer.length > atMost) return undefined;
    this.#buffer = undefined;
    return buffer;
  }
}

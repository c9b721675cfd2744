import { BufferCache } from './buffer-cache.js';

/** A buffer that one large message has grown beyond this is not kept for the next, unless that comes soon. */
const KEEP_BELOW = 1024 * 1024;

/** A growing buffer for messages. Its owner resets `position`, or takes the buffer. */
export class Output {
  buffer: Buffer;
  /** How many bytes of `buffer` are written. */
  position = 0;
  /** Bytes that follow the written bytes, and are not copied yet. */
  borrowed: Buffer | undefined;
  readonly #cache = new BufferCache();
  readonly #capacity: number;

  /** @param capacity the first buffer's size, in bytes */
  constructor(capacity = 8192) {
    this.#capacity = capacity;
    this.buffer = Buffer.allocUnsafeSlow(capacity);
  }

  /** Makes room for `n` more bytes after `position`; keeps the bytes before it. */
  ensure(n: number): void {
    const needed = this.position + n;
    if (needed <= this.buffer.length) return;
    const grown =
      this.#cache.take(needed) ??
      Buffer.allocUnsafeSlow(Math.max(needed, Math.min(this.buffer.length * 2, this.buffer.length + (64 << 20))));
    this.buffer.copy(grown, 0, 0, this.position);
    this.buffer = grown;
  }

  append(bytes: Buffer): void {
    this.ensure(bytes.length);
    bytes.copy(this.buffer, this.position);
    this.position += bytes.length;
  }

  get isLarge(): boolean {
    return this.buffer.length > KEEP_BELOW;
  }

  /** Forgets what was written. */
  empty(): void {
    this.position = 0;
    if (!this.isLarge) return;
    this.#cache.keep(this.buffer);
    this.buffer = Buffer.allocUnsafeSlow(this.#capacity);
  }
}

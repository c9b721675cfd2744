/** A buffer that grows, which messages are appended to. Whoever owns it resets `position` or takes the buffer. */
export class Output {
  buffer: Buffer;
  /** How many bytes of `buffer` are written. */
  position = 0;

  /** @param capacity the first buffer's size, in bytes */
  constructor(capacity = 8192) {
    this.buffer = Buffer.allocUnsafeSlow(capacity);
  }

  /** Makes room for `n` more bytes after `position`; what is written so far is kept. */
  ensure(n: number): void {
    const needed = this.position + n;
    if (needed <= this.buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(
      Math.max(needed, Math.min(this.buffer.length * 2, this.buffer.length + (64 << 20))),
    );
    this.buffer.copy(grown, 0, 0, this.position);
    this.buffer = grown;
  }
}

import { type PipeReader, type ReadEnd } from '@aiopipe/core';

/** Bytes. */
const KEPT = 64 * 1024;
/** More pieces than this are joined: a program may write byte by byte. */
const MAX_PIECES = 64;

/** Reads all that a program writes, so that it never waits, and keeps the last 64 KiB. */
export class Tail {
  /** Resolves at the end of the stream, or when it was closed here; never rejects. */
  readonly done: Promise<void>;
  readonly #reader: PipeReader;
  #pieces: Buffer[] = [];
  #length = 0;

  constructor(end: ReadEnd) {
    this.#reader = end.open();
    this.done = this.#read();
  }

  async #read(): Promise<void> {
    try {
      for await (const chunk of this.#reader) this.#push(chunk);
    } catch {
      // The pipe was closed here, or cannot be read: the bytes so far are all.
    }
  }

  #push(chunk: Buffer): void {
    this.#pieces.push(chunk);
    this.#length += chunk.length;
    while (this.#length - (this.#pieces[0] as Buffer).length >= KEPT) {
      this.#length -= (this.#pieces.shift() as Buffer).length;
    }
    if (this.#pieces.length > MAX_PIECES) this.#pieces = [Buffer.concat(this.#pieces)];
  }

  /** Returns the kept bytes as UTF-8, from the first whole character on. */
  text(): string {
    const bytes = Buffer.concat(this.#pieces);
    let start = Math.max(0, bytes.length - KEPT);
    while (start > 0 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start++;
    return bytes.toString('utf8', start);
  }

  close(): void {
    this.#reader[Symbol.dispose]();
  }
}

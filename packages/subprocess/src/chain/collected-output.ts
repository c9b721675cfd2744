import { mostBytes } from '../io/most-bytes.js';
import { type OutputLimit } from './errors.js';

/** The output of a chain so far, up to a limit. */
export class CollectedOutput {
  /** Bytes. */
  readonly limit: number;
  readonly limitSetBy: OutputLimit;
  readonly #encoding: BufferEncoding | 'buffer';
  readonly #chunks: Buffer[] = [];
  #length = 0;

  /** @param maxOutput - bytes; Infinity: as many as a string or a Buffer can hold */
  constructor(encoding: BufferEncoding | 'buffer', maxOutput: number) {
    const most = mostBytes(encoding);
    this.#encoding = encoding;
    this.limit = Math.min(maxOutput, most);
    this.limitSetBy = maxOutput <= most ? 'maxOutput' : encoding === 'buffer' ? 'Buffer' : 'string';
  }

  /** Adds a chunk. Returns false once there is more than the limit. */
  push(chunk: Buffer): boolean {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    return this.#length <= this.limit;
  }

  /** In the encoding that was asked for; bytes, if they are too long for a string. */
  get value(): string | Buffer {
    const bytes = Buffer.concat(this.#chunks, Math.min(this.#length, this.limit));
    const isTooLong = this.#length > this.limit && this.limitSetBy === 'string';
    return this.#encoding === 'buffer' || isTooLong ? bytes : bytes.toString(this.#encoding);
  }
}

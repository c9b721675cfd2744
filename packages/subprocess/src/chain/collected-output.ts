import { mostBytes } from '../io/most-bytes.js';
import { type Chain } from './chain.js';
import { OutputTooLongError } from './errors.js';

/** What a chain has written so far, up to a limit. */
export class CollectedOutput {
  readonly #encoding: BufferEncoding | 'buffer';
  readonly #limit: number;
  /** What the limit is: the caller's, or what a string or a Buffer can hold. */
  readonly #reached: 'maxOutput' | 'string' | 'Buffer';
  readonly #chunks: Buffer[] = [];
  #length = 0;

  constructor(encoding: BufferEncoding | 'buffer', maxOutput: number) {
    const most = mostBytes(encoding);
    this.#encoding = encoding;
    this.#limit = Math.min(maxOutput, most);
    this.#reached = maxOutput <= most ? 'maxOutput' : encoding === 'buffer' ? 'Buffer' : 'string';
  }

  /** False once that is more than the limit. */
  push(chunk: Buffer): boolean {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    return this.#length <= this.#limit;
  }

  /** As it was asked for; what is too long for a string stays bytes. */
  get value(): string | Buffer {
    const bytes = Buffer.concat(this.#chunks, Math.min(this.#length, this.#limit));
    const isTooLong = this.#length > this.#limit && this.#reached === 'string';
    return this.#encoding === 'buffer' || isTooLong ? bytes : bytes.toString(this.#encoding);
  }

  tooLongError(chain: Chain): OutputTooLongError {
    const { results, stderr } = chain;
    return chain.calledFrom(
      new OutputTooLongError(chain.toString(), this.#limit, this.#reached, this.value, results, stderr),
    );
  }
}

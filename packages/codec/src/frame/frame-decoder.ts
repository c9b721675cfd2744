import { IncompleteReadError } from '@aiopipe/core';
import { FrameTooLongError } from '../errors.js';
import { FrameBuffer } from './frame-buffer.js';
import { checkBytes, checkFrameOptions, HEADER_LENGTH, maxFrameLengthOf, type FrameOptions } from './format.js';

/**
 * Takes frames out of a stream of bytes, however the stream is cut up. Channels use it, too.
 *
 * @example
 * ```ts
 * import { connect, createServer, type AddressInfo } from 'node:net';
 * import { FrameDecoder, FrameEncoder } from '@aiopipe/codec';
 *
 * const server = createServer((socket) => {
 *   const decoder = new FrameDecoder();
 *   socket.on('data', (chunk) => {
 *     decoder.push(chunk);
 *     for (const payload of decoder) console.log(String(payload));
 *   });
 *   socket.on('end', () => decoder.end());
 *   server.close();
 * }).listen(0, () => {
 *   const { port } = server.address() as AddressInfo;
 *   connect(port).end(new FrameEncoder().encode(Buffer.from('hello')));
 * });
 * await new Promise((closed) => server.on('close', closed));
 * ```
 * ```text
 * hello
 * ```
 */
export class FrameDecoder {
  readonly maxFrameLength: number;
  /** The buffer that a channel reads into. @internal */
  readonly buffer = new FrameBuffer();

  /** @throws TypeError if an option is wrong */
  constructor(options: FrameOptions = {}) {
    checkFrameOptions(options);
    this.maxFrameLength = maxFrameLengthOf(options);
  }

  /** Adds the next bytes of the stream, which are copied. */
  push(bytes: Uint8Array): void {
    checkBytes('push', bytes);
    if (!this.#isTooLong) this.buffer.append(bytes);
  }

  /**
   * Returns the payload of the next whole frame, in its own memory; undefined if more bytes must come first.
   *
   * @throws FrameTooLongError if a header says more than `maxFrameLength`, and from then on
   */
  next(): Buffer | undefined {
    const length = this.wholeLength();
    if (length < 0) return undefined;
    const { bytes, start } = this.buffer;
    const payload = bytes.subarray(start + HEADER_LENGTH, start + HEADER_LENGTH + length);
    return this.buffer.take(length) ? payload : Buffer.from(payload);
  }

  /** The payloads of the whole frames that have come. */
  *[Symbol.iterator](): Generator<Buffer, void, undefined> {
    for (let payload = this.next(); payload !== undefined; payload = this.next()) yield payload;
  }

  /**
   * Checks that the stream has ended between two frames. Call it at the end of the stream, after `next()` has returned
   * undefined.
   *
   * @throws IncompleteReadError if the stream has ended inside a frame; `partial` has the bytes of the payload so far
   * @throws TypeError if a whole frame was not taken
   */
  end(): void {
    if (this.wholeLength() >= 0) throw new TypeError('end() comes after next() has returned undefined');
    const { available, payloadLength: expected, rest } = this.buffer;
    if (available === 0) return;
    const partial = rest.subarray(HEADER_LENGTH);
    if (expected === undefined) {
      throw new IncompleteReadError("the stream ended inside a frame's header", partial, HEADER_LENGTH);
    }
    const came = `${String(partial.length)} of ${String(expected)} bytes`;
    throw new IncompleteReadError(`the stream ended inside a frame, after ${came}`, partial, expected);
  }

  /**
   * Returns the length of the next payload if all of its frame is there, else -1. Throws FrameTooLongError; `about` names the
   * channel. @internal
   */
  wholeLength(about?: () => string): number {
    const length = this.buffer.payloadLength;
    if (length === undefined) return -1;
    if (length > this.maxFrameLength)
      throw new FrameTooLongError(length, this.maxFrameLength, { about: about?.(), isReceived: true });
    return this.buffer.available >= HEADER_LENGTH + length ? length : -1;
  }

  /** Whether `wholeLength()` would not return -1: it has something to say. @internal */
  get hasNews(): boolean {
    const length = this.buffer.payloadLength;
    return length !== undefined && (this.#isTooLong || this.buffer.available >= HEADER_LENGTH + length);
  }

  get #isTooLong(): boolean {
    return (this.buffer.payloadLength ?? 0) > this.maxFrameLength;
  }
}

import { IncompleteReadError } from '@aiopipe/core';
import { checkOptions, optionNames, show } from '@aiopipe/core/internal';
import { FrameTooLongError } from '../errors.js';

/** A frame is its payload's length, 4 bytes, big-endian; then the payload. */
export const HEADER_LENGTH = 4;

/** 256 MiB. */
export const DEFAULT_MAX_FRAME_LENGTH = 256 * 1024 * 1024;

const LONGEST = 0xffffffff;

/** What both sides of a framed stream agree on. */
export interface FrameOptions {
  /** How long a frame's payload may be, in bytes; 256 MiB by default, 4 GiB - 1 at most. */
  maxFrameLength?: number;
}

const FRAME_OPTIONS = optionNames<FrameOptions>({ maxFrameLength: true });

function limitOf(options: FrameOptions): number {
  checkOptions(options, FRAME_OPTIONS);
  const { maxFrameLength = DEFAULT_MAX_FRAME_LENGTH } = options;
  if (!Number.isInteger(maxFrameLength) || maxFrameLength < 0 || maxFrameLength > LONGEST) {
    throw new RangeError(
      `maxFrameLength must be a number of bytes from 0 to ${String(LONGEST)}, not ${show(maxFrameLength)}`,
    );
  }
  return maxFrameLength;
}

/** Anything else with a length would be taken for bytes that it isn't. */
function checkBytes(call: string, bytes: unknown): void {
  if (!(bytes instanceof Uint8Array)) throw new TypeError(`${call}: expected a Buffer or Uint8Array`);
}

/** Puts payloads into frames, for any stream of bytes. */
export class FrameEncoder {
  readonly maxFrameLength: number;

  constructor(options: FrameOptions = {}) {
    this.maxFrameLength = limitOf(options);
  }

  /**
   * The frame of this payload, which is copied. To write a large payload without a copy, write `header()`, then the payload.
   *
   * @throws FrameTooLongError
   */
  encode(payload: Uint8Array): Buffer {
    checkBytes('encode(payload)', payload);
    const frame = Buffer.allocUnsafe(HEADER_LENGTH + this.checked(payload.length));
    frame.writeUInt32BE(payload.length, 0);
    frame.set(payload, HEADER_LENGTH);
    return frame;
  }

  /**
   * The 4 bytes before a payload of this many bytes.
   *
   * @throws FrameTooLongError
   */
  header(payloadLength: number): Buffer {
    const header = Buffer.allocUnsafe(HEADER_LENGTH);
    header.writeUInt32BE(this.checked(payloadLength), 0);
    return header;
  }

  private checked(length: number): number {
    if (length > this.maxFrameLength) throw new FrameTooLongError(length, this.maxFrameLength);
    return length;
  }
}

/**
 * Takes frames out of a stream of bytes, however it is cut up.
 *
 * @example
 * const decoder = new FrameDecoder();
 * socket.on('data', (chunk) => {
 *   decoder.push(chunk);
 *   for (const payload of decoder) handle(payload);
 * });
 * socket.on('end', () => decoder.end());
 */
export class FrameDecoder {
  readonly maxFrameLength: number;
  /** What was pushed; from `offset` in the chunk numbered `current` on, it wasn't looked at yet. */
  private readonly chunks: Uint8Array[] = [];
  private current = 0;
  private offset = 0;
  /** What has come of the header, as a number, and how many of its bytes. */
  private header = 0;
  private headerBytes = 0;
  /** The start of a payload that came in pieces: `collected` bytes of it. */
  private payload = EMPTY;
  private collected = 0;
  private failure: FrameTooLongError | undefined;

  constructor(options: FrameOptions = {}) {
    this.maxFrameLength = limitOf(options);
  }

  /** Adds the next bytes of the stream. They must stay as they are until `next()` has returned undefined. */
  push(bytes: Uint8Array): void {
    checkBytes('push(bytes)', bytes);
    if (bytes.length > 0) this.chunks.push(bytes);
  }

  /**
   * The next whole frame's payload; undefined where more bytes are needed. A payload that came in one piece is a view of
   * that piece; copy it to keep it where those bytes are used again.
   *
   * @throws FrameTooLongError at a header that says more than `maxFrameLength`, and from then on
   */
  next(): Buffer | undefined {
    if (this.failure !== undefined) throw this.failure;
    for (let chunk = this.chunks[this.current]; chunk !== undefined; chunk = this.chunks[this.current]) {
      this.readHeader(chunk);
      if (this.headerBytes === HEADER_LENGTH) {
        const payload = this.readPayload(chunk);
        if (payload !== undefined) return payload;
      }
      if (this.offset === chunk.length) {
        this.current++;
        this.offset = 0;
      }
    }
    this.chunks.length = this.current = 0;
    return undefined;
  }

  /** The whole frames that have come. */
  *[Symbol.iterator](): Generator<Buffer, void, undefined> {
    for (let payload = this.next(); payload !== undefined; payload = this.next()) yield payload;
  }

  /**
   * To be called where the stream has ended, when all its frames have been taken.
   *
   * @throws IncompleteReadError where it ended inside a frame; `partial` is what came of the payload
   */
  end(): void {
    if (this.current < this.chunks.length) throw new TypeError('end() comes after next() has returned undefined');
    if (this.headerBytes === 0) return;
    const partial = Buffer.from(this.payload.subarray(0, this.collected));
    if (this.headerBytes < HEADER_LENGTH) {
      throw new IncompleteReadError("the stream ended inside a frame's header", partial, HEADER_LENGTH);
    }
    const came = `${String(this.collected)} of ${String(this.header)} bytes`;
    throw new IncompleteReadError(`the stream ended inside a frame, after ${came}`, partial, this.header);
  }

  private readHeader(chunk: Uint8Array): void {
    while (this.headerBytes < HEADER_LENGTH && this.offset < chunk.length) {
      this.header = this.header * 256 + (chunk[this.offset++] as number);
      this.headerBytes++;
    }
    if (this.headerBytes === HEADER_LENGTH && this.header > this.maxFrameLength) {
      this.failure = new FrameTooLongError(this.header, this.maxFrameLength);
      this.chunks.length = 0;
      throw this.failure;
    }
  }

  private readPayload(chunk: Uint8Array): Buffer | undefined {
    const length = this.header;
    const available = Math.min(length - this.collected, chunk.length - this.offset);
    const from = this.offset;
    this.offset += available;
    if (available === length) {
      this.headerBytes = this.header = 0;
      return Buffer.from(chunk.buffer, chunk.byteOffset + from, length);
    }
    this.collect(chunk.subarray(from, from + available));
    if (this.collected < length) return undefined;
    const payload = this.payload.subarray(0, length);
    this.payload = EMPTY;
    this.collected = this.headerBytes = this.header = 0;
    return payload;
  }

  /** Memory grows with what has come, not with what a header promises; doubled each time, so that it stays linear. */
  private collect(bytes: Uint8Array): void {
    const needed = this.collected + bytes.length;
    if (needed > this.payload.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(this.header, Math.max(needed, this.payload.length * 2, 1024)));
      this.payload.copy(grown, 0, 0, this.collected);
      this.payload = grown;
    }
    this.payload.set(bytes, this.collected);
    this.collected = needed;
  }
}

const EMPTY = Buffer.alloc(0);

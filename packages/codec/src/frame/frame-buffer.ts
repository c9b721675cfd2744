import { allocateLarge, shareMemory } from '@aiopipe/core/internal';
import { HEADER_LENGTH } from './format.js';
import { BufferCache } from '../serializer/buffer-cache.js';

/** The first size of the common buffer, and the size that it grows to for a longer frame, in bytes. */
const SMALL = 16 * 1024;
/** With room for the headers, so that whole frames of common lengths fill it. A longer frame gets a buffer of its own. */
const LARGE = 256 * 1024 + 16 * HEADER_LENGTH;
/** Payloads of at least this length stay where they are in the common buffer. Few of them must not keep all of it in memory. */
const LEFT = 16 * 1024;
/** Memory grows with the bytes that came, not with the length in a header: by this factor, since each step is a copy. */
const GROWTH = 8;
/** The least that {@link FrameBuffer.append} allocates, in bytes. */
const LEAST = 1024;

const NO_BYTES = Buffer.alloc(0);

/** The bytes of a stream that were not decoded yet. Large frames are read straight into buffers of their size. */
export class FrameBuffer {
  /** For all frames that are not large. Allocated when the first byte comes. */
  #common: Buffer = NO_BYTES;
  /** Up to here, the common buffer belongs to the owners of frames that stay in it. */
  #given = 0;
  readonly #cache = new BufferCache();
  /** Whether frames in memory of their own are of use. */
  keepsBytes = true;
  /** The length of the frame that was taken last, with its header: large frames tend to come in rows of one length. */
  #lastLength = 0;
  /** The buffer for the next bytes: the common buffer, or one for a large frame. */
  bytes: Buffer = this.#common;
  /** The bytes from `start` to `end` of `bytes` are there. */
  start = 0;
  end = 0;

  get available(): number {
    return this.end - this.start;
  }

  /** A copy of the bytes that are there. */
  get rest(): Buffer {
    return Buffer.from(this.bytes.subarray(this.start, this.end));
  }

  /** The length in the header; undefined before all of the header is there. */
  get payloadLength(): number | undefined {
    return this.available < HEADER_LENGTH ? undefined : this.bytes.readUInt32BE(this.start);
  }

  /** Steps over a frame that is there. Returns true if its memory is used for nothing else from now on. */
  take(payloadLength: number): boolean {
    const length = HEADER_LENGTH + payloadLength;
    this.#lastLength = length;
    this.start += length;
    if (this.bytes === this.#common) {
      const isLeft = this.keepsBytes && payloadLength >= LEFT;
      if (isLeft) {
        if (this.#given === 0) shareMemory(this.bytes);
        this.#given = this.start;
      }
      if (this.start === this.end) this.#rewind();
      return isLeft;
    }
    if (this.start !== this.end) return false;
    const isOwn = this.keepsBytes && this.bytes.length === length;
    if (isOwn) this.bytes = this.#common;
    this.#rewind();
    return isOwn;
  }

  /** Makes room behind `end`, for the rest of the frame that has begun. */
  makeRoom(): void {
    if (this.#common === NO_BYTES) this.#allocateCommon();
    if (this.available === 0) {
      this.#begin();
      return;
    }
    const frame = HEADER_LENGTH + (this.payloadLength ?? 0);
    const { length } = this.bytes;
    const isCommon = this.bytes === this.#common;
    if ((isCommon && frame > LARGE) || (frame > length && this.end === length)) this.#grow(frame);
    else if (isCommon && this.#given > 0) {
      if (frame > length - this.start || this.end === length) this.#renew();
    } else if (this.start > 0 && length - this.end < length / 2) this.#moveTo(this.bytes);
  }

  /** Call it if nothing came: no large buffer is held for the next frame then. */
  restore(): void {
    if (this.start !== this.end || this.bytes === this.#common) return;
    this.#cache.keep(this.bytes);
    this.bytes = this.#common;
    this.#rewind();
  }

  /** Puts bytes in that were read elsewhere, before the first read. */
  fill(bytes: Buffer): void {
    this.#allocateCommon();
    if (bytes.length > this.bytes.length) this.bytes = Buffer.allocUnsafeSlow(bytes.length);
    bytes.copy(this.bytes);
    this.end = bytes.length;
  }

  /** Adds bytes that were read elsewhere, in memory that grows to the length of their frame and no further. */
  append(bytes: Uint8Array): void {
    if (this.bytes.length > LARGE) this.restore();
    const needed = this.available + bytes.length;
    if (bytes.length > this.bytes.length - this.end) {
      const frame = HEADER_LENGTH + (this.payloadLength ?? 0);
      const doubled = Math.max(needed, 2 * this.available, LEAST);
      this.#moveTo(Buffer.allocUnsafeSlow(frame >= needed ? Math.min(doubled, frame) : doubled));
    }
    this.bytes.set(bytes, this.end);
    this.end += bytes.length;
  }

  #allocateCommon(): void {
    const isCommon = this.bytes === this.#common;
    this.#common = Buffer.allocUnsafeSlow(SMALL);
    if (isCommon) this.bytes = this.#common;
  }

  #begin(): void {
    const expected = this.#lastLength;
    const isFit = this.keepsBytes ? this.bytes.length === expected : this.bytes.length >= expected;
    if (expected <= LARGE) this.restore();
    else if (this.bytes === this.#common || !isFit) this.bytes = this.#own(expected);
    this.#rewind();
    if (this.start > 0 && this.bytes.length - this.start < Math.max(expected, SMALL)) this.#renew();
  }

  #grow(frame: number): void {
    if (frame <= LARGE) this.#renew();
    else this.#moveTo(this.#own(Math.min(frame, Math.max(LARGE, GROWTH * this.available))));
  }

  #renew(): void {
    this.#common = allocateLarge(LARGE);
    this.#given = 0;
    this.#moveTo(this.#common);
  }

  #moveTo(buffer: Buffer): void {
    const { available } = this;
    this.bytes.copy(buffer, 0, this.start, this.end);
    this.bytes = buffer;
    this.start = 0;
    this.end = available;
  }

  #rewind(): void {
    this.start = this.end = this.bytes === this.#common ? this.#given : 0;
  }

  #own(length: number): Buffer {
    return this.#cache.take(length, this.keepsBytes ? length : Infinity) ?? allocateLarge(length);
  }
}

import { allocateLarge, shareMemory } from '@aiopipe/core/internal';
import { HEADER_LENGTH } from '../frame/frame.js';
import { Spare } from '../serializer/spare.js';

/** The common buffer's size, and what it grows to for a frame that it can't hold. A longer one gets a buffer for itself. */
const SMALL = 16 * 1024;
/** With room for the headers, so that whole frames of common lengths fill it. */
const LARGE = 256 * 1024 + 16 * HEADER_LENGTH;
/** Payloads of at least this length are left where they are in the common buffer: fewer of them shall not keep all of it. */
const LEFT = 16 * 1024;
/** Memory grows with what has come, not with what a header promises: by this factor, since each step is a copy. */
const GROWTH = 8;

/** What was read and not decoded yet. Frames are read straight into buffers of their size where they are large. */
export class ReceiveBuffer {
  /** For all frames that are not large. */
  #common: Buffer = Buffer.allocUnsafeSlow(SMALL);
  /** So far the common buffer is somebody else's: frames that were left in it. */
  #given = 0;
  readonly #spare = new Spare();
  readonly #keepsBytes: boolean;
  /** Of the frame that was taken last, with its header: large ones tend to come in rows of one length. */
  #lastLength = 0;
  /** What is read into: the common buffer, or one for a large frame. */
  bytes: Buffer = this.#common;
  /** What is there, in `bytes`. */
  start = 0;
  end = 0;

  /** @param keepsBytes - whether someone has a use for frames in memory of their own */
  constructor(keepsBytes: boolean) {
    this.#keepsBytes = keepsBytes;
  }

  get available(): number {
    return this.end - this.start;
  }

  /** A copy of what is there. */
  get rest(): Buffer {
    return Buffer.from(this.bytes.subarray(this.start, this.end));
  }

  /** The length that the header says; undefined before all of it is there. */
  get payloadLength(): number | undefined {
    return this.available < HEADER_LENGTH ? undefined : this.bytes.readUInt32BE(this.start);
  }

  /** Steps over a frame that is there. True: the memory that it lies in is used for nothing else from now on. */
  take(payloadLength: number): boolean {
    const length = HEADER_LENGTH + payloadLength;
    this.#lastLength = length;
    this.start += length;
    if (this.bytes === this.#common) {
      const isLeft = this.#keepsBytes && payloadLength >= LEFT;
      if (isLeft) {
        if (this.#given === 0) shareMemory(this.bytes);
        this.#given = this.start;
      }
      if (this.start === this.end) this.#rewind();
      return isLeft;
    }
    if (this.start !== this.end) return false;
    const isOwn = this.#keepsBytes && this.bytes.length === length;
    if (isOwn) this.bytes = this.#common;
    this.#rewind();
    return isOwn;
  }

  /** Makes room behind `end`, for the rest of the frame that has begun. */
  makeRoom(): void {
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

  /** Nothing came: a large buffer is not held for the next frame then. */
  restore(): void {
    if (this.start !== this.end || this.bytes === this.#common) return;
    this.#spare.keep(this.bytes);
    this.bytes = this.#common;
    this.#rewind();
  }

  /** Puts in, before the first read, what was read elsewhere. */
  fill(bytes: Buffer): void {
    if (bytes.length > this.bytes.length) this.bytes = Buffer.allocUnsafeSlow(bytes.length);
    bytes.copy(this.bytes);
    this.end = bytes.length;
  }

  #begin(): void {
    const expected = this.#lastLength;
    const isFit = this.#keepsBytes ? this.bytes.length === expected : this.bytes.length >= expected;
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
    return this.#spare.take(length, this.#keepsBytes ? length : Infinity) ?? allocateLarge(length);
  }
}

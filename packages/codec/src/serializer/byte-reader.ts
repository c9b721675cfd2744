import { type FastBuffer, NO_BYTES, viewOf } from './bytes.js';
import { DecodeError } from '../errors.js';
import { Cost } from './memory-cost.js';
import { LONGEST_OF_CODES, ofCodes } from './short-strings.js';
import { Short, Tag } from './tags.js';

/** Reads primitives. Checks every length against the bytes between `position` and `end`. */
export abstract class ByteReader {
  protected bytes: FastBuffer = NO_BYTES;
  /** Made for the first number that needs it: most messages do not. */
  #view: DataView | undefined;
  protected position = 0;
  protected end = 0;
  #start = 0;

  protected attach(bytes: FastBuffer, start: number, end: number): void {
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.#view = undefined;
    }
    this.#start = this.position = start;
    this.end = end;
  }

  /** Lets go of the bytes. */
  detach(): void {
    this.bytes = NO_BYTES;
    this.#view = undefined;
  }

  /** To be thrown: the bytes are no message of this format. */
  protected malformed(what: string, cause?: unknown): DecodeError {
    const at = this.position - this.#start;
    return new DecodeError(`malformed message: ${what} (at byte ${String(at)})`, cause === undefined ? {} : { cause });
  }

  /** Counts bytes of heap against the limit. */
  protected abstract charge(bytes: number): void;

  protected dataView(): DataView {
    return (this.#view ??= viewOf(this.bytes));
  }

  /** Steps over `n` bytes and returns where they begin. */
  protected skip(n: number): number {
    const at = this.position;
    if (n > this.end - at) throw this.malformed(`it ends ${String(n - (this.end - at))} bytes too early`);
    this.position = at + n;
    return at;
  }

  protected byte(): number {
    return this.bytes[this.skip(1)] as number;
  }

  protected varint(): number {
    let result = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.byte();
      result += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (result > Number.MAX_SAFE_INTEGER) break;
        return result;
      }
      scale *= 128;
    }
    throw this.malformed('a length has too many bytes');
  }

  /** Reads a count of items of at least `size` bytes each. Throws if the message is too short for that many. */
  protected countOf(size: number): number {
    const count = this.varint();
    if (count * size > this.end - this.position) {
      throw this.malformed(`it announces ${String(count)} more items, but ends before them`);
    }
    return count;
  }

  protected uint16(): number {
    const at = this.skip(2);
    const { bytes } = this;
    return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
  }

  protected uint32(): number {
    const at = this.skip(4);
    const { bytes } = this;
    const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16);
    return (low | ((bytes[at + 3] as number) << 24)) >>> 0;
  }

  protected double(): number {
    const at = this.skip(8);
    return this.dataView().getFloat64(at, true);
  }

  protected bigInt64(): bigint {
    const at = this.skip(8);
    return this.dataView().getBigInt64(at, true);
  }

  protected bigint(): bigint {
    const sign = this.byte();
    if (sign > 1) throw this.malformed('the sign of a BigInt is neither 0 nor 1');
    const length = this.countOf(1);
    const at = this.skip(length);
    this.charge(Cost.BigInt + length);
    const magnitude = this.#magnitude(at, length);
    return sign === 1 ? -magnitude : magnitude;
  }

  #magnitude(at: number, length: number): bigint {
    if (length === 0) return 0n;
    const view = this.dataView();
    if (length === 8) return view.getBigUint64(at);
    if (length === 16) return (view.getBigUint64(at) << 64n) | view.getBigUint64(at + 8);
    try {
      return BigInt(`0x${this.bytes.toString('hex', at, at + length)}`);
    } catch (error) {
      throw this.malformed('a BigInt is too large', error);
    }
  }

  /** A string that must stand here, with its tag. */
  protected string(): string {
    const tag = this.byte();
    if (tag >= Tag.ShortLatin1 && tag < Tag.ShortLatin1 + Short.Latin1) return this.latin1(tag - Tag.ShortLatin1);
    if (tag === Tag.Latin1) return this.latin1(this.varint());
    if (tag === Tag.Utf16) return this.utf16();
    throw this.malformed('a string is expected');
  }

  protected latin1(length: number): string {
    const at = this.skip(length);
    if (length > 1) this.charge(Cost.String + length);
    if (length > LONGEST_OF_CODES) {
      try {
        return this.bytes.latin1Slice(at, at + length);
      } catch (error) {
        throw this.malformed('a string is too long', error);
      }
    }
    return ofCodes(this.bytes, at, length);
  }

  protected utf16(): string {
    const length = this.countOf(2);
    const at = this.skip(length * 2);
    this.charge(Cost.String + length * 2);
    try {
      return this.bytes.ucs2Slice(at, at + length * 2);
    } catch (error) {
      throw this.malformed('a string is too long', error);
    }
  }
}

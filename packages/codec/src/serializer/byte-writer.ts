import { type FastBuffer, NO_BYTES, viewOf } from './bytes.js';
import { changed } from './encodable.js';
import type { Output } from './output.js';
import { NumberType, Short, Tag } from './tags.js';

/** Bytes that are free whenever a primitive of fixed size, or a tag with its varints, is written. */
const HEADROOM = 32;

/** Strings up to this length are cheaper to copy in a loop than through a native call. */
const LOOP_LENGTH = 20;

/**
 * Writes primitives. Every method takes the position to write at and returns the one after it, so that the position
 * stays in a register through the recursion of the encoder.
 */
export class ByteWriter {
  protected buffer: FastBuffer = NO_BYTES;
  #view = viewOf(NO_BYTES);
  /** Below this position there is room for `HEADROOM` bytes. */
  protected limit = 0;
  #output!: Output;

  protected attach(output: Output): void {
    this.#output = output;
    const buffer = output.buffer as FastBuffer;
    if (buffer === this.buffer) return;
    this.buffer = buffer;
    this.#view = viewOf(buffer);
    this.limit = buffer.length - HEADROOM;
  }

  /** Lets go of the buffer that was written to last. */
  detach(): void {
    this.buffer = NO_BYTES;
    this.limit = 0;
  }

  protected reserve(pos: number, n: number): void {
    if (pos + n <= this.limit) return;
    this.#output.position = pos;
    this.#output.ensure(n + HEADROOM);
    this.attach(this.#output);
  }

  protected varint(n: number, pos: number): number {
    const buffer = this.buffer;
    while (n > 0x7f) {
      // Lengths may be over 32 bits, where the bit operators end.
      buffer[pos++] = (n % 128) | 0x80;
      n = n > 0x7fffffff ? Math.floor(n / 128) : n >>> 7;
    }
    buffer[pos++] = n;
    return pos;
  }

  protected tagged(tag: Tag, n: number, pos: number): number {
    this.buffer[pos] = tag;
    return this.varint(n, pos + 1);
  }

  protected number(value: number, pos: number): number {
    const buffer = this.buffer;
    const int = value | 0;
    if (int === value) {
      if (int >= 0) {
        if (int < Short.Int) {
          if (int === 0 && 1 / value < 0) return this.double(Tag.Float64, value, pos);
          buffer[pos] = Tag.SmallInt + int;
          return pos + 1;
        }
        return this.#fixed(Tag.Uint8, int, pos);
      }
      const magnitude = ~int;
      if (magnitude <= 0xff - Tag.SmallNegative) {
        buffer[pos] = Tag.SmallNegative + magnitude;
        return pos + 1;
      }
      return this.#fixed(Tag.Negative8, magnitude, pos);
    }
    if (value >>> 0 === value) return this.#fixed(Tag.Uint8, value, pos);
    return this.double(Tag.Float64, value, pos);
  }

  /** One, two or four bytes; `tag` is the first of the three tags for them. */
  #fixed(tag: Tag, n: number, pos: number): number {
    const buffer = this.buffer;
    if (n < 0x100) {
      buffer[pos] = tag;
      buffer[pos + 1] = n;
      return pos + 2;
    }
    if (n < 0x10000) {
      buffer[pos] = tag + 1;
      buffer[pos + 1] = n;
      buffer[pos + 2] = n >>> 8;
      return pos + 3;
    }
    buffer[pos] = tag + 2;
    buffer[pos + 1] = n;
    buffer[pos + 2] = n >>> 8;
    buffer[pos + 3] = n >>> 16;
    buffer[pos + 4] = n >>> 24;
    return pos + 5;
  }

  protected double(tag: Tag, value: number, pos: number): number {
    this.buffer[pos] = tag;
    this.#view.setFloat64(pos + 1, value, true);
    return pos + 9;
  }

  protected bigint(value: bigint, pos: number): number {
    if (BigInt.asIntN(64, value) === value) {
      this.buffer[pos] = Tag.BigInt64;
      this.#view.setBigInt64(pos + 1, value, true);
      return pos + 9;
    }
    const negative = value < 0n;
    const magnitude = negative ? -value : value;
    this.buffer[pos] = Tag.BigInt;
    this.buffer[pos + 1] = negative ? 1 : 0;
    const high = magnitude >> 64n;
    if (BigInt.asUintN(64, high) === high) return this.#words(high, magnitude, pos + 2);
    const digits = magnitude.toString(16);
    const hex = digits.length % 2 === 0 ? digits : `0${digits}`;
    const length = hex.length / 2;
    this.reserve(pos + 2, length);
    pos = this.varint(length, pos + 2);
    this.buffer.write(hex, pos, 'hex');
    return pos + length;
  }

  /** A magnitude of up to 128 bits in one or two words: a tenth of what the way through hex digits takes. */
  #words(high: bigint, magnitude: bigint, pos: number): number {
    this.buffer[pos] = high === 0n ? 8 : 16;
    if (high !== 0n) {
      this.#view.setBigUint64(pos + 1, high);
      pos += 8;
    }
    this.#view.setBigUint64(pos + 1, magnitude);
    return pos + 9;
  }

  protected string(text: string, pos: number): number {
    const length = text.length;
    if (length > LOOP_LENGTH) return this.#longString(text, pos);
    // Two bytes a character and the headroom are enough for either form.
    if (pos + 2 * LOOP_LENGTH > this.limit) this.reserve(pos, 2 * LOOP_LENGTH);
    const buffer = this.buffer;
    buffer[pos] = Tag.ShortLatin1 + length;
    const start = pos + 1;
    let seen = 0;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      seen |= code;
      buffer[start + i] = code;
    }
    if (seen < 0x100) return start + length;
    buffer[pos] = Tag.Utf16;
    buffer[start] = length;
    for (let i = 0, at = start + 1; i < length; i++, at += 2) {
      const code = text.charCodeAt(i);
      buffer[at] = code;
      buffer[at + 1] = code >>> 8;
    }
    return start + 1 + 2 * length;
  }

  #longString(text: string, pos: number): number {
    const length = text.length;
    if (looksWide(text)) return this.#utf16(text, pos);
    // UTF-8 takes a byte for an ASCII character and more for any other; four bytes more than that tell them apart.
    this.reserve(pos, length + 4);
    const start = this.#latin1Header(length, pos);
    if (this.buffer.utf8Write(text, start, length + 4) === length) return start + length;
    this.buffer.latin1Write(text, start, length);
    if (this.buffer.latin1Slice(start, start + length) === text) return start + length;
    return this.#utf16(text, pos);
  }

  #latin1Header(length: number, pos: number): number {
    if (length >= Short.Latin1) return this.tagged(Tag.Latin1, length, pos);
    this.buffer[pos] = Tag.ShortLatin1 + length;
    return pos + 1;
  }

  #utf16(text: string, pos: number): number {
    const size = text.length * 2;
    this.reserve(pos, size);
    pos = this.tagged(Tag.Utf16, text.length, pos);
    this.buffer.ucs2Write(text, pos, size);
    return pos + size;
  }

  /**
   * An array of numbers, with its head. What is read from it now may not be what the type was chosen by (a Proxy, a
   * getter): that is refused.
   */
  protected numberArray(array: readonly number[], type: NumberType, pos: number): number {
    const { length } = array;
    this.reserve(pos, length * 8);
    const { buffer } = this;
    const view = this.#view;
    buffer[pos] = Tag.Numbers;
    buffer[pos + 1] = type;
    pos = this.varint(length, pos + 2);
    switch (type) {
      case NumberType.Int8:
        for (let i = 0; i < length; i++) buffer[pos++] = intAt(array, i, 24);
        return pos;
      case NumberType.Int16:
        for (let i = 0; i < length; i++, pos += 2) view.setInt16(pos, intAt(array, i, 16), true);
        return pos;
      case NumberType.Int32:
        for (let i = 0; i < length; i++, pos += 4) view.setInt32(pos, intAt(array, i, 0), true);
        return pos;
      default:
        for (let i = 0; i < length; i++, pos += 8) {
          const item = array[i];
          if (typeof item !== 'number') throw changed(array);
          view.setFloat64(pos, item, true);
        }
        return pos;
    }
  }

  /** The bytes alone, without tag or length. */
  /** @param length - of the bytes, if a property of their own may hide it */
  protected raw(bytes: Uint8Array, pos: number, length = bytes.length): number {
    this.reserve(pos, length);
    this.buffer.set(bytes, pos);
    return pos + length;
  }
}

/** An element that fits in an integer of `32 - shift` bits, as it did when the type was chosen. */
function intAt(array: readonly number[], i: number, shift: number): number {
  const item = array[i] as number;
  const int = (item << shift) >> shift;
  if (int !== item || Object.is(item, -0)) throw changed(array);
  return int;
}

/** Looks at a few characters. Text of another script shows at once, which saves two failing attempts. */
function looksWide(text: string): boolean {
  const step = Math.max(1, text.length >> 3);
  for (let i = 0; i < text.length; i += step) if (text.charCodeAt(i) > 0xff) return true;
  return false;
}

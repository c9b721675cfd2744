/**
 * Buffer's own methods for one encoding each. They have been on every Buffer of every Node (and of Bun and Deno), are
 * half as dear as `toString(encoding)` on the strings of a typical message, and are missing from the type declarations.
 */
export interface FastBuffer extends Buffer {
  latin1Slice(start: number, end: number): string;
  ucs2Slice(start: number, end: number): string;
  latin1Write(text: string, offset: number, length: number): number;
  ucs2Write(text: string, offset: number, length: number): number;
  utf8Write(text: string, offset: number, length: number): number;
}

/** The same bytes, as a Buffer. */
export function asBuffer(bytes: Uint8Array): FastBuffer {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer as FastBuffer;
}

/** One number, seen as its bytes: cheaper than a DataView for each buffer. */
export const float64 = new Float64Array(1);
export const bigInt64 = new BigInt64Array(1);
export const float64Bytes = new Uint8Array(float64.buffer);
export const bigInt64Bytes = new Uint8Array(bigInt64.buffer);

/** The format is little-endian. On the few machines that aren't, numbers are turned around on their way. */
export const bigEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 0;

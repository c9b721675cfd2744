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

/** The bytes of a reader or writer before its first message. */
export const NO_BYTES = asBuffer(new Uint8Array(0));

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

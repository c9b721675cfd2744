/**
 * Bytes, or a string, which is written as UTF-8.
 *
 * @example
 * ```ts
 * import { aiopipe } from '@aiopipe/core';
 *
 * const [rx, tx] = aiopipe();
 * await using reader = rx.open();
 * await using writer = tx.open();
 * await writer.write('text, ');
 * await writer.write(new Uint8Array([98, 121, 116, 101, 115]));
 * console.log(String(await reader.readExactly(11)));
 * ```
 * ```text
 * text, bytes
 * ```
 */
export type Writable = string | ArrayBufferView;

/** @internal */
export function toBuffer(data: Writable): Buffer {
  if (typeof data === 'string') return Buffer.from(data, 'utf8');
  if (Buffer.isBuffer(data)) return data;
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  throw new TypeError(`data: expected a string, a Buffer or another view of an ArrayBuffer, not ${describe(data)}`);
}

function describe(value: unknown): string {
  return value === null ? 'null' : typeof value === 'object' ? (value.constructor?.name ?? 'an object') : typeof value;
}

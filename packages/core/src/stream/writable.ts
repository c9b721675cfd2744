/** Bytes, or a string, which is written as UTF-8. */
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

import { show } from '../check/show.js';
import { lossOfMemory } from './loss-of-memory.js';

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
  if (!ArrayBuffer.isView(data)) {
    throw new TypeError(`data: expected a string, a Buffer or another view of an ArrayBuffer, not ${show(data)}`);
  }
  if (Buffer.isBuffer(data)) {
    if (data.length === 0) checkMemory(data);
    return data;
  }
  checkMemory(data);
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

function checkMemory(view: ArrayBufferView): void {
  const loss = lossOfMemory(view);
  if (loss !== undefined) throw new TypeError(`data: the memory of the bytes was ${loss}`);
}

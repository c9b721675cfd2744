/**
 * Whether the memory of a view was transferred away. Such a view is empty, and would pass for a write of no bytes; a DataView throws if it
 * is asked for its length. An ArrayBuffer of no bytes may be detached; only a view over it tells.
 */
export function isDetached({ buffer }: ArrayBufferView): boolean {
  if (buffer.byteLength > 0) return false;
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

import { types } from 'node:util';

/**
 * Returns what has happened to the memory of a view: it was transferred away, or a resizable buffer was made smaller than the view
 * needs. Undefined if the view can be used. A view without its memory is empty, and would pass for a write of no bytes; a
 * DataView throws if it is asked for its length.
 */
export function lossOfMemory(view: ArrayBufferView): 'transferred away' | 'made smaller' | undefined {
  try {
    // An array's length is 0 then; its methods throw.
    if (view.byteLength === 0 && !types.isDataView(view)) Uint8Array.prototype.keys.call(view as Uint8Array);
    return undefined;
  } catch {
    return isDetached(view.buffer) ? 'transferred away' : 'made smaller';
  }
}

/** An ArrayBuffer of no bytes may be detached; only a view over it tells. */
function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

import { type ByteQueue } from './byte-queue.js';
import { show } from '../check/show.js';

/** Copies a separator: its memory is the caller's. Throws for one that no stream can hold, or that is empty. */
export function separatorBytes(separator: string | Uint8Array): Buffer {
  if (typeof separator === 'string') {
    if (/\p{Surrogate}/u.test(separator)) {
      throw new TypeError(`separator: ${show(separator)} has half of a surrogate pair, which UTF-8 cannot hold`);
    }
  } else if (!(separator instanceof Uint8Array)) {
    throw new TypeError(`separator: expected a string or a Uint8Array, not ${show(separator)}`);
  }
  if (separator.length === 0) throw new RangeError('separator: expected at least one byte');
  return Buffer.from(separator);
}

/** A separator, and how many bytes may come before it. */
export interface Separator {
  readonly bytes: Uint8Array;
  /** This many bytes are enough, if the separator does not come before. */
  readonly limit: number;
  /** More bytes, without the separator and below the limit, are too many. */
  readonly most: number;
}

/**
 * Returns a function to call each time that more bytes have come. It returns how many bytes are to be taken: all up to the
 * separator and the separator, or `limit` bytes; undefined while neither is there. It searches no byte twice. After it has
 * returned a number, it begins anew behind these bytes, which the caller must have taken.
 *
 * @param tooLong - throws; nothing was taken then
 */
export function separatorSearch(
  queue: ByteQueue,
  { bytes, limit, most }: Separator,
  tooLong: () => never,
): () => number | undefined {
  let searched = 0;
  return () => {
    const found = queue.indexOf(bytes, searched);
    const { length } = queue;
    const end = found >= 0 ? found + bytes.length : length;
    const count = end < limit ? end : limit;
    if (count > most) {
      searched = 0;
      tooLong();
    }
    if (found < 0 && count < limit) {
      searched = Math.max(0, length - bytes.length + 1);
      return undefined;
    }
    searched = 0;
    return count;
  };
}

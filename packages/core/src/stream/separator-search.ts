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
  /** So many bytes are enough, if the separator does not come before. */
  readonly limit: number;
  /** More bytes, without the separator and below the limit, are too many. */
  readonly most: number;
}

/**
 * Returns a function to call each time that more bytes have come. It takes all bytes up to the separator and the separator,
 * or `limit` bytes. It returns undefined while neither is there. It searches no byte twice.
 *
 * @param tooLong - throws; nothing was taken then
 */
export function separatorSearch(
  queue: ByteQueue,
  { bytes, limit, most }: Separator,
  tooLong: () => never,
): () => Buffer | undefined {
  let searched = 0;
  return () => {
    const found = queue.indexOf(bytes, searched);
    const end = found >= 0 ? found + bytes.length : Infinity;
    const length = Math.min(end, limit);
    if (Math.min(length, queue.length) > Math.min(most, limit)) tooLong();
    if (length <= queue.length) return queue.take(length);
    searched = Math.max(0, queue.length - bytes.length + 1);
    return undefined;
  };
}

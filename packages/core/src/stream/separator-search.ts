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

/** What ends what is looked for, and how long it may be. */
export interface Separator {
  readonly bytes: Uint8Array;
  /** As much is enough, where the separator doesn't come before. */
  readonly limit: number;
  /** More than this without either is too much. */
  readonly most: number;
}

/**
 * What to ask again whenever more has come: it gives all up to and with the separator, or `limit` bytes, and undefined
 * while neither is there. It looks at no byte twice.
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

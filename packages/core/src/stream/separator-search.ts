import { type ByteQueue } from './byte-queue.js';

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

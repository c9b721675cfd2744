import { show } from '@aiopipe/core/internal';

/** Checks a key that names a partition. Throws TypeError. */
export function checkPartitionKey(key: unknown): void {
  if (typeof key === 'string' || Number.isSafeInteger(key)) return;
  throw new TypeError(`key: expected a string or a whole number, not ${show(key)}`);
}

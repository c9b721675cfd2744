import { show } from './show.js';

/** Returns a TypeError unless `value` is undefined, true or false. */
export function refuseFlag(name: string, value: unknown): TypeError | undefined {
  if (value === undefined || typeof value === 'boolean') return undefined;
  return new TypeError(`${name}: expected true or false, not ${show(value)}`);
}

/** Throws what {@link refuseFlag} returns. */
export function checkFlag(name: string, value: unknown): void {
  const refusal = refuseFlag(name, value);
  if (refusal !== undefined) throw refusal;
}

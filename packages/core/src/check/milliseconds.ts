import { show } from './show.js';

/** Returns a TypeError unless `value` is a number of milliseconds, 0 or more. Infinity and undefined mean no limit. */
export function refuseMilliseconds(name: string, value: unknown): TypeError | undefined {
  if (value === undefined || (typeof value === 'number' && value >= 0)) return undefined;
  return new TypeError(`${name}: expected milliseconds, 0 or more, not ${show(value)}`);
}

/** Throws what {@link refuseMilliseconds} returns. */
export function checkMilliseconds(name: string, value: unknown): void {
  const refusal = refuseMilliseconds(name, value);
  if (refusal !== undefined) throw refusal;
}

/** As {@link checkMilliseconds}, but refuses 0: for an interval. */
export function checkInterval(name: string, value: unknown): void {
  if (value !== undefined) checkGivenInterval(name, value);
}

/** As {@link checkInterval}, but refuses undefined, too. */
export function checkGivenInterval(name: string, value: unknown): void {
  if (typeof value === 'number' && value > 0) return;
  throw new TypeError(`${name}: expected milliseconds above 0, not ${show(value)}`);
}

import { show } from './show.js';

/** The numbers that an option may have. */
export interface CountRange {
  /** Default: 0. */
  readonly least?: number;
  /** Default: any number, and Infinity for no limit. */
  readonly most?: number;
  /** The unit in messages, such as `bytes`. */
  readonly of?: string;
  /** Whether undefined is refused, too. Default: false. */
  readonly isNeeded?: boolean;
}

/** Throws a TypeError unless `value` is undefined or a whole number within the range. Infinity is within a range without an end. */
export function checkCount(
  name: string,
  value: unknown,
  { least = 0, most = Infinity, of, isNeeded = false }: CountRange = {},
): void {
  if (value === undefined && !isNeeded) return;
  const isWhole = Number.isInteger(value) || value === Infinity;
  if (isWhole && (value as number) >= least && (value as number) <= most) return;
  const range = most === Infinity ? `${String(least)} or more` : `from ${String(least)} to ${String(most)}`;
  const unit = of === undefined ? '' : ` of ${of}`;
  throw new TypeError(`${name}: expected a whole number${unit}, ${range}, not ${show(value)}`);
}

import { show } from './show.js';

/** Throws a TypeError unless `value` is a string that the system can take: its strings end at a NUL. */
export function checkText(name: string, value: unknown): asserts value is string {
  if (typeof value !== 'string' || value.includes('\0')) throw refuseText(name, value);
}

/** Returns what {@link checkText} throws for such a value. */
export function refuseText(name: string, value: unknown): TypeError {
  if (typeof value !== 'string') return new TypeError(`${name}: expected a string, not ${show(value)}`);
  return new TypeError(`${name}: ${show(value)} contains a NUL character, which is not allowed`);
}

/** As {@link checkText}; a name is not empty. */
export function checkName(name: string, value: unknown): asserts value is string {
  checkText(name, value);
  if (value === '') throw new TypeError(`${name}: expected a name, not an empty string`);
}

/** Throws a TypeError unless `value` is an array of strings that the system can take. */
export function checkTexts(name: string, value: unknown): asserts value is readonly string[] {
  if (!Array.isArray(value)) throw new TypeError(`${name}: expected an array of strings, not ${show(value)}`);
  // By index: entries() and forEach() would leave out, or not tell, the holes.
  for (let index = 0; index < value.length; index++) checkText(`${name}[${String(index)}]`, value[index]);
}

import { inspect } from 'node:util';

/** The most characters of a value that a message repeats. */
const LONGEST = 80;

/** Shows a value in an error message: in one line, strings with their quotes, objects one level deep. Never throws. */
export function show(value: unknown): string {
  try {
    const text = inspect(value, {
      depth: 0,
      customInspect: false,
      maxArrayLength: 3,
      maxStringLength: LONGEST,
      breakLength: Infinity,
    });
    return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  } catch {
    // A getter of an error, such as `stack`, can throw.
    return hidden(value);
  }
}

/** Says what a value is that throws if it is looked at. */
export function hidden(value: unknown): string {
  return `${typeof value === 'object' ? 'an object' : `a ${typeof value}`} that cannot be shown`;
}

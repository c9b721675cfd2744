import { inspect } from 'node:util';

/** Characters of a peer's text that a message of ours takes; the whole of it is the `cause`. */
const LONGEST = 4000;

/**
 * A value that came from somebody else, in words for an error message: never throws, and never longer than a page. A
 * getter, a Proxy, a `toString` or an inspector of the value's own may do what they like.
 */
export function describe(value: unknown): string {
  try {
    if (value instanceof Error) return shortened(`${textOf(value, 'name') ?? 'Error'}: ${reasonOf(value)}`);
    return inspected(value);
  } catch {
    return `${typeof value === 'object' ? 'an object' : `a ${typeof value}`} that can't be shown`;
  }
}

/** The same without the name of an error's class, for a sentence that goes on with it. */
export function reasonOf(value: unknown): string {
  try {
    if (!(value instanceof Error)) return describe(value);
    return shortened(textOf(value, 'message') ?? inspected(value.message));
  } catch {
    return "a message that can't be shown";
  }
}

function textOf(error: Error, name: 'name' | 'message'): string | undefined {
  try {
    const text: unknown = error[name];
    return typeof text === 'string' ? text : undefined;
  } catch {
    return undefined;
  }
}

function inspected(value: unknown): string {
  return shortened(inspect(value, { depth: 1, maxArrayLength: 10, maxStringLength: LONGEST, breakLength: Infinity }));
}

function shortened(text: string): string {
  if (text.length <= LONGEST) return text;
  return `${text.slice(0, LONGEST)}… (${String(text.length - LONGEST)} more characters)`;
}

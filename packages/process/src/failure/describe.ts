import { inspect } from 'node:util';

/** Characters of a peer's text in one of our messages. The whole text is in the error's `cause`. */
const LONGEST = 4000;

/**
 * Returns a peer's value in words for an error message. It never throws and is never longer than a page, whatever a getter, a
 * Proxy, a `toString` or an inspector of the value does.
 */
export function describe(value: unknown): string {
  try {
    if (value instanceof Error) return shortened(`${textOf(value, 'name') ?? 'Error'}: ${reasonOf(value)}`);
    return inspected(value);
  } catch {
    return `${typeof value === 'object' ? 'an object' : `a ${typeof value}`} that cannot be shown`;
  }
}

/** Returns the same without the name of an error's class: for a sentence that already says that something failed. */
export function reasonOf(value: unknown): string {
  try {
    if (!(value instanceof Error)) return describe(value);
    return shortened(textOf(value, 'message') ?? inspected(value.message));
  } catch {
    return 'a message that cannot be shown';
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

import { inspect } from 'node:util';

/** Characters of somebody else's text that a message of ours takes. The whole of it is the `cause`. */
const LONGEST = 1000;

/**
 * Why something failed, in words for an error message: of whatever was thrown. Never throws, and is never long, whatever
 * the value's getters, its Proxy or its `toString` do.
 */
export function reasonOf(thrown: unknown): string {
  try {
    const message: unknown = thrown instanceof Error ? thrown.message : undefined;
    return shortened(typeof message === 'string' ? message : inspected(thrown));
  } catch {
    return 'something that cannot be shown';
  }
}

/** A value in words, with the same care. */
export function shown(value: unknown): string {
  try {
    return shortened(typeof value === 'string' ? JSON.stringify(value) : inspected(value));
  } catch {
    return `${typeof value === 'object' ? 'an object' : `a ${typeof value}`} that cannot be shown`;
  }
}

function inspected(value: unknown): string {
  return inspect(value, { depth: 0, maxArrayLength: 5, maxStringLength: LONGEST, breakLength: Infinity });
}

export function shortened(text: string): string {
  if (text.length <= LONGEST) return text;
  return `${text.slice(0, LONGEST)}… (${String(text.length - LONGEST)} more characters)`;
}

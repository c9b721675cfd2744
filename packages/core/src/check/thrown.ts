import { inspect } from 'node:util';

/** The most characters of another program's text in an error message of ours. The whole of it is the error's `cause`. */
const LONGEST = 1000;

/**
 * Says why something failed, for an error message: the message of an error, any other thrown value as text. Never throws and
 * is never long, whatever the value's getters, traps and `toString` do.
 */
export function reasonOf(thrown: unknown): string {
  try {
    const message: unknown = thrown instanceof Error ? thrown.message : undefined;
    return shortened(typeof message === 'string' ? message : inspected(thrown));
  } catch {
    return `${typeof thrown === 'object' ? 'an object' : `a ${typeof thrown}`} that cannot be shown`;
  }
}

function inspected(value: unknown): string {
  return inspect(value, { depth: 0, maxArrayLength: 5, maxStringLength: LONGEST, breakLength: Infinity });
}

function shortened(text: string): string {
  if (text.length <= LONGEST) return text;
  return `${text.slice(0, LONGEST)}… (${String(text.length - LONGEST)} more characters)`;
}

import { inspect } from 'node:util';
import { hidden } from './show.js';

/** The most characters of another program's text in an error message of ours. The whole of it is the error's `cause`. */
const LONGEST = 2000;

/**
 * Returns a value of other code or of a peer in words, for an error message: an error's name and message, any other value as
 * text. Never throws and is never longer than a page, whatever the value's getters, traps and inspectors do.
 */
export function describeValue(value: unknown): string {
  try {
    return shortened(value instanceof Error ? `${nameOf(value)}: ${messageOf(value)}` : inspected(value));
  } catch {
    return hidden(value);
  }
}

/** Returns the same without the error's name: for a sentence that already says that something failed. */
export function reasonOf(thrown: unknown): string {
  try {
    return shortened(thrown instanceof Error ? messageOf(thrown) : inspected(thrown));
  } catch {
    return hidden(thrown);
  }
}

function nameOf(error: Error): string {
  try {
    const name: unknown = error.name;
    return typeof name === 'string' ? name : 'Error';
  } catch {
    return 'Error';
  }
}

function messageOf(error: Error): string {
  const message: unknown = error.message;
  return typeof message === 'string' ? message : inspected(message);
}

function inspected(value: unknown): string {
  return inspect(value, { depth: 1, maxArrayLength: 10, maxStringLength: LONGEST, breakLength: Infinity });
}

function shortened(text: string): string {
  if (text.length <= LONGEST) return text;
  return `${text.slice(0, LONGEST)}… (${String(text.length - LONGEST)} more characters)`;
}

import { ErrorPart } from './tags.js';

/** The parts of an error that are sent, besides its class. */
export interface ErrorParts {
  /** Which of the parts come first: `ErrorPart` bits. */
  readonly flags: number;
  /** How many own enumerable properties come after them. */
  readonly fields: number;
  /** The parts, then key and value of each property. */
  readonly children: readonly unknown[];
}

const PARTS = [
  ['message', ErrorPart.Message],
  ['stack', ErrorPart.Stack],
  ['cause', ErrorPart.Cause],
  ['errors', ErrorPart.Errors],
] as const;

/** What a class may compute by getters, as Bun's errors about modules do. */
const COMPUTED: readonly string[] = ['message', 'stack', 'code'];

/**
 * An error keeps what makes it up in properties that do not enumerate, so they are asked for by name. What enumerates
 * (someone assigned it) is a field like any other, and arrives as one.
 *
 * @param className the built-in class that it will be an instance of; a name other than this one's is sent too
 */
export function errorParts(error: Error, className: string): ErrorParts {
  return partsOf(error, className, (key) => {
    if (Object.hasOwn(error, key)) return true;
    if (!COMPUTED.includes(key)) return false;
    const value: unknown = (error as unknown as Record<string, unknown>)[key];
    // The prototype of all errors has an empty message.
    return typeof value === 'string' && value !== '';
  });
}

/** The parts of a DOMException besides its message and its code, which are getters of its class. */
export function exceptionParts(exception: DOMException, name: string): ErrorParts {
  return partsOf(exception, name, (key) => Object.hasOwn(exception, key));
}

function partsOf(error: Error, className: string, has: (key: string) => boolean): ErrorParts {
  const keys = Object.keys(error);
  const children: unknown[] = [];
  let flags = 0;
  if (!keys.includes('name')) {
    const { name } = error;
    if (typeof name === 'string' && name !== className) {
      flags |= ErrorPart.Name;
      children.push(name);
    }
  }
  for (const [key, part] of PARTS) {
    if (keys.includes(key) || !has(key)) continue;
    const value: unknown = (error as AggregateError)[key];
    // `Error.prepareStackTrace` may have made the stack anything; only text says something elsewhere.
    if (part === ErrorPart.Stack && typeof value !== 'string') continue;
    flags |= part;
    children.push(value);
  }
  if (!Object.hasOwn(error, 'code') && has('code')) keys.push('code');
  for (const key of keys) children.push(key, (error as unknown as Record<string, unknown>)[key]);
  return { flags, fields: keys.length, children };
}

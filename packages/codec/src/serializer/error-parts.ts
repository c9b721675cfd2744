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

/**
 * An error keeps what makes it up in properties that do not enumerate, so they are asked for by name. What enumerates
 * (someone assigned it) is a field like any other, and arrives as one.
 *
 * @param className the built-in class that it will be an instance of; a name other than this one's is sent too
 */
export function errorParts(error: Error, className: string): ErrorParts {
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
    if (!Object.hasOwn(error, key) || keys.includes(key)) continue;
    const value: unknown = (error as AggregateError)[key];
    // `Error.prepareStackTrace` may have made the stack anything; only text says something elsewhere.
    if (part === ErrorPart.Stack && typeof value !== 'string') continue;
    flags |= part;
    children.push(value);
  }
  for (const key of keys) children.push(key, (error as unknown as Record<string, unknown>)[key]);
  return { flags, fields: keys.length, children };
}

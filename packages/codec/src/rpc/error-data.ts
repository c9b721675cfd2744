import { describeValue, withStackLimit } from '@aiopipe/core/internal';
import { json } from '../channel/json.js';
import { type DecodeLimits } from '../serializer/decode-limits.js';
import { deserializeError, serializeError } from '../serializer/portable-error.js';

/** Levels of causes that travel. */
const DEEPEST = 100;

const classes = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError] as const;

/** An error as plain data, which every codec carries: JSON, say. A thrown value that is no error is the `value`. */
interface ErrorData {
  readonly name?: string;
  readonly message?: string;
  readonly stack?: string;
  readonly cause?: ErrorData;
  readonly errors?: readonly ErrorData[];
  /** Its own enumerable fields, such as `code`. */
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly value?: unknown;
}

/**
 * Returns the thrown value in a form that can be sent. Never throws.
 *
 * @param asBytes - for a channel of the serializer, which keeps classes and all fields
 */
export function toErrorData(thrown: unknown, asBytes: boolean): unknown {
  if (asBytes) return serializeError(thrown);
  try {
    return dataOf(thrown, 0, new Set());
  } catch {
    return { name: 'Error', message: `the thrown value cannot be sent: ${describeValue(thrown)}` } satisfies ErrorData;
  }
}

/** Returns the error that a peer sent. Never throws: a malformed one is an error, too. */
export function fromErrorData(data: unknown, limits: DecodeLimits): unknown {
  if (data instanceof Uint8Array) return deserializeError(data, limits);
  return errorOf(data, 0, new Map());
}

/** @param described - the errors that the data has already: below one that comes again, nothing is repeated */
function dataOf(thrown: unknown, depth: number, described: Set<unknown>): ErrorData {
  if (!(thrown instanceof Error)) {
    return isPlain(thrown)
      ? { value: thrown }
      : { message: `the thrown value cannot be sent: ${describeValue(thrown)}` };
  }
  const { name, message, stack, cause, errors } = thrown as AggregateError & { cause?: unknown };
  const goesOn = depth < DEEPEST && !described.has(thrown);
  described.add(thrown);
  const below = (error: unknown) => dataOf(error, depth + 1, described);
  const fields: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(thrown)) if (isPlain(value)) fields[key] = value;
  return {
    name: String(name),
    message: String(message),
    ...(typeof stack === 'string' && { stack }),
    ...(cause !== undefined && goesOn && { cause: below(cause) }),
    ...(Array.isArray(errors) && goesOn && { errors: errors.map(below) }),
    ...(Object.keys(fields).length > 0 && { fields }),
  };
}

/** Whether JSON keeps a value. */
function isPlain(value: unknown): boolean {
  try {
    json.encode(value as never);
    return true;
  } catch {
    return false;
  }
}

/** @param made - by their data: a message of the serializer can refer to the same data again and again */
function errorOf(data: unknown, depth: number, made: Map<object, Error>): unknown {
  if (typeof data !== 'object' || data === null || depth > DEEPEST)
    return new Error('the peer sent an error of unknown form');
  const { name, message, stack, cause, errors, fields, value } = data as { [Key in keyof ErrorData]: unknown };
  if (message === undefined && 'value' in data) return value;
  const known = made.get(data);
  if (known !== undefined) return known;
  const Class = classes.find((known) => known.name === name) ?? Error;
  const text = typeof message === 'string' ? message : '';
  // A stack of its own would name the lines of this file, and takes 0.3 ms to be replaced: a peer can send many errors.
  const error = withStackLimit(0, () => (Array.isArray(errors) ? new AggregateError([], text) : new Class(text)));
  made.set(data, error);
  if (Array.isArray(errors)) {
    hide(
      error,
      'errors',
      errors.map((each) => errorOf(each, depth + 1, made)),
    );
  }
  if (typeof name === 'string' && name !== error.name) hide(error, 'name', name);
  hide(error, 'stack', typeof stack === 'string' ? stack : `${error.name}: ${text}`);
  if (cause !== undefined) hide(error, 'cause', errorOf(cause, depth + 1, made));
  if (typeof fields === 'object' && fields !== null) {
    for (const [key, field] of Object.entries(fields)) {
      if (Object.hasOwn(error, key)) continue;
      Object.defineProperty(error, key, { value: field, writable: true, enumerable: true, configurable: true });
    }
  }
  return error;
}

function hide(error: Error, name: string, value: unknown): void {
  Object.defineProperty(error, name, { value, writable: true, configurable: true, enumerable: false });
}

import { inspect } from 'node:util';
import { serialize } from '@aiopipe/codec';

const canTravel = (value: unknown): boolean => {
  try {
    serialize(value);
    return true;
  } catch {
    return false;
  }
};

const classes = [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError] as const;

/** The error, as much of it as can be sent: what was thrown must always arrive, even where a field of it can't. */
export function portableError(thrown: unknown): unknown {
  return portable(thrown, new Map());
}

/** @param copies - those that have been begun: a cause may lead back to its error */
function portable(thrown: unknown, copies: Map<unknown, Error>): unknown {
  if (canTravel(thrown)) return thrown;
  const known = copies.get(thrown);
  if (known !== undefined) return known;
  if (!(thrown instanceof Error)) return new Error(`what was thrown can't be sent: ${describe(thrown)}`);
  const copy = emptyCopy(thrown);
  copies.set(thrown, copy);
  for (const name of ['name', 'message', 'stack'] as const) {
    const value = read(thrown, name);
    if (typeof value === 'string' && value !== copy[name]) hide(copy, name, value);
  }
  if ('cause' in thrown) hide(copy, 'cause', portable(read(thrown, 'cause'), copies));
  if (copy instanceof AggregateError) {
    const errors = read(thrown, 'errors');
    hide(copy, 'errors', Array.isArray(errors) ? errors.map((error) => portable(error, copies)) : []);
  }
  for (const name of Object.keys(thrown)) {
    const value = read(thrown, name);
    if (!Object.hasOwn(copy, name) && canTravel(value)) Object.assign(copy, { [name]: value });
  }
  return copy;
}

function emptyCopy(error: Error): Error {
  if (error instanceof AggregateError) return new AggregateError([]);
  return new (classes.find((Class) => error instanceof Class) ?? Error)();
}

/** As the language has it: what makes up an error doesn't enumerate. */
function hide(error: Error, name: string, value: unknown): void {
  Object.defineProperty(error, name, { value, writable: true, configurable: true, enumerable: false });
}

/** A getter may throw whatever it likes. */
function read(error: Error, name: string): unknown {
  try {
    return (error as unknown as Record<string, unknown>)[name];
  } catch {
    return undefined;
  }
}

function describe(thrown: unknown): string {
  try {
    return inspect(thrown);
  } catch {
    return typeof thrown;
  }
}

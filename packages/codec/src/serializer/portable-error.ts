import { types } from 'node:util';
import { describeValue } from '@aiopipe/core/internal';
import { bareError } from './builders.js';
import { type DecodeLimits } from './decode-limits.js';
import { errorClassOf } from './kinds.js';
import { deserialize, serialize } from './serialize.js';

const canTravel = (value: unknown): boolean => {
  try {
    serialize(value);
    return true;
  } catch {
    return false;
  }
};

/** Also of another realm: a vm context, say. */
const isError = (value: unknown): value is Error => value instanceof Error || types.isNativeError(value);

/**
 * Returns a copy of an error with all of it that can be sent: an error must arrive even if one of its fields cannot. It never
 * throws, whatever traps the error holds.
 */
export function portableError(thrown: unknown): unknown {
  try {
    return portable(thrown, new Map(), 0);
  } catch {
    // A Proxy that throws when it is looked at, or causes that are nested too deep.
    return unsendable(thrown);
  }
}

/** Returns an error as bytes: the message that holds them is known for an error even if the peer cannot decode this one. */
export function serializeError(thrown: unknown): Buffer {
  for (const form of [() => thrown, () => portableError(thrown)]) {
    try {
      return serialize(form());
    } catch {
      // The next form has less in it.
    }
  }
  return serialize(unsendable(thrown));
}

/** Returns the error that a peer serialized, or the error that says why it cannot be decoded. */
export function deserializeError(bytes: Uint8Array, limits: DecodeLimits = {}): unknown {
  try {
    return deserialize(bytes, { limits });
  } catch (error) {
    return error;
  }
}

const unsendable = (thrown: unknown): Error => new Error(`the thrown value cannot be sent: ${describeValue(thrown)}`);

/** Levels of causes that are copied. */
const DEEPEST = 100;

/**
 * Whether the causes reach deeper than what is copied. Then no error of the chain is tried as a whole: each try would encode all
 * that is below it.
 */
function isDeeper(thrown: unknown, depth: number): boolean {
  let error = thrown;
  for (let level = depth; level <= DEEPEST; level++) {
    if (!isError(error)) return false;
    error = read(error, 'cause');
  }
  return true;
}

/**
 * @param copies - the copies that were begun: a cause may lead back to its error
 * @param depth - of causes
 */
function portable(thrown: unknown, copies: Map<unknown, Error>, depth: number): unknown {
  if (depth > DEEPEST) return new Error(`causes that are nested deeper than ${String(DEEPEST)} are left out`);
  if (!isDeeper(thrown, depth) && canTravel(thrown)) return thrown;
  const known = copies.get(thrown);
  if (known !== undefined) return known;
  if (!isError(thrown)) return unsendable(thrown);
  const copy = bareError(errorClassOf(thrown) ?? 'Error');
  copies.set(thrown, copy);
  for (const name of ['name', 'message'] as const) {
    const value = read(thrown, name);
    if (typeof value === 'string' && value !== copy[name]) hide(copy, name, value);
  }
  const stack = read(thrown, 'stack');
  // The copy's own stack would name the lines of this file.
  hide(copy, 'stack', typeof stack === 'string' ? stack : `${copy.name}: ${copy.message}`);
  if ('cause' in thrown) hide(copy, 'cause', portable(read(thrown, 'cause'), copies, depth + 1));
  if (copy instanceof AggregateError) {
    const errors = read(thrown, 'errors');
    hide(copy, 'errors', Array.isArray(errors) ? errors.map((error) => portable(error, copies, depth + 1)) : []);
  }
  for (const name of Object.keys(thrown)) {
    const value = read(thrown, name);
    if (!Object.hasOwn(copy, name) && canTravel(value)) {
      // Defined, not assigned: `name` may be that of a frozen prototype's property.
      Object.defineProperty(copy, name, { value, writable: true, enumerable: true, configurable: true });
    }
  }
  return copy;
}

/** Sets a property that does not enumerate, as those of the language's own errors do not. */
function hide(error: Error, name: string, value: unknown): void {
  Object.defineProperty(error, name, { value, writable: true, configurable: true, enumerable: false });
}

/** Reads a property; undefined if its getter throws. */
function read(error: Error, name: string): unknown {
  try {
    return (error as unknown as Record<string, unknown>)[name];
  } catch {
    return undefined;
  }
}

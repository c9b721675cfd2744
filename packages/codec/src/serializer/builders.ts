import { types } from 'node:util';
import { withStackLimit } from '@aiopipe/core/internal';
import { define } from './decoder-shape.js';
import { bucketsFor, type ComparisonCounter, type KeyBuckets } from './key-collisions.js';
import { type ERROR_NAMES, VIEW_NAMES } from './kinds.js';
import { Cost } from './memory-cost.js';
import { ErrorPart } from './tags.js';

/**
 * An object that is being built of the values that follow its head. Most exist before those are read, which may refer
 * to them; a box, a view and an instance of a registered class are made of their one child.
 */
export abstract class Builder<T = unknown> {
  /** How many values are still to come. */
  remaining: number;
  /** The object's number among the message's objects; -1 if it has none. */
  id = -1;

  constructor(
    /** The value that references to the object get until it is finished. */
    public target: T,
    remaining: number,
    /** Bytes of heap that the object takes, beside a slot for each value. */
    readonly cost: number,
  ) {
    this.remaining = remaining;
  }

  /** Takes the next value. A message says what is wrong with it; undefined says that nothing is. */
  abstract add(value: unknown): string | undefined;

  /** The finished object. */
  finish(): T {
    return this.target;
  }
}

/** Objects with their keys: each key, then its value. */
export class KeyedBuilder extends Builder<object> {
  #key: string | undefined;

  constructor(target: object, count: number, cost: number) {
    super(target, count * 2, cost + count * Cost.HashedProperty);
  }

  add(value: unknown): string | undefined {
    if (this.#key === undefined) {
      if (typeof value !== 'string') return 'a key must be a string';
      this.#key = value;
      return undefined;
    }
    const key = this.#key;
    this.#key = undefined;
    return define(this.target, key, value) ? undefined : 'a property cannot be added';
  }
}

export class ShapedBuilder extends Builder<object> {
  #next = 0;
  readonly #keys: readonly string[];

  constructor(target: object, keys: readonly string[]) {
    super(target, keys.length, Cost.Object);
    this.#keys = keys;
  }

  add(value: unknown): string | undefined {
    define(this.target, this.#keys[this.#next++] as string, value);
    return undefined;
  }
}

export class ArrayBuilder extends Builder<unknown[]> {
  constructor(target: unknown[], length: number) {
    super(target, length, Cost.Array);
  }

  add(value: unknown): string | undefined {
    this.target.push(value);
    return undefined;
  }
}

/** An array with holes, or with named properties: each index or name, then its value. */
export class SparseArrayBuilder extends Builder<unknown[]> {
  #key: number | string | undefined;

  constructor(target: unknown[], count: number) {
    super(target, count * 2, Cost.SparseArray + count * Cost.HashedProperty);
  }

  add(value: unknown): string | undefined {
    const key = this.#key;
    if (key === undefined) {
      const isIndex = typeof value === 'number' && value >>> 0 === value && value < this.target.length;
      const isName = typeof value === 'string' && value !== 'length' && !(String(Number(value) >>> 0) === value);
      if (!isIndex && !isName) return 'an array has no such key';
      this.#key = value;
      return undefined;
    }
    this.#key = undefined;
    if (typeof key === 'number') this.target[key] = value;
    else define(this.target, key, value);
    return undefined;
  }
}

/** Up to this many holes are no reason for a dictionary, which takes 160 bytes at least. */
const MOST_HOLES = 8;

/** An array of which most may be holes is made as V8's dictionary: that takes memory for what it holds, not for its length. */
export function arrayWithHoles(length: number, count: number): unknown[] {
  const array: unknown[] = [];
  if (length > MOST_HOLES + 4 * count) array.length = 0xffffffff;
  array.length = length;
  return array;
}

export class MapBuilder extends Builder<Map<unknown, unknown>> {
  #key: unknown;
  #hasKey = false;
  readonly #buckets: KeyBuckets | undefined;
  readonly #counter: ComparisonCounter;

  constructor(target: Map<unknown, unknown>, count: number, counter: ComparisonCounter) {
    super(target, count * 2, Cost.Map + count * Cost.MapEntry);
    this.#counter = counter;
    this.#buckets = bucketsFor(count);
  }

  add(value: unknown): string | undefined {
    if (this.#hasKey) this.target.set(this.#key, value);
    else {
      if (this.#buckets !== undefined) this.#counter.compared(this.#buckets.add(value));
      this.#key = value;
    }
    this.#hasKey = !this.#hasKey;
    return undefined;
  }
}

export class SetBuilder extends Builder<Set<unknown>> {
  readonly #buckets: KeyBuckets | undefined;
  readonly #counter: ComparisonCounter;

  constructor(target: Set<unknown>, count: number, counter: ComparisonCounter) {
    super(target, count, Cost.Set + count * Cost.SetMember);
    this.#counter = counter;
    this.#buckets = bucketsFor(count);
  }

  add(value: unknown): string | undefined {
    if (this.#buckets !== undefined) this.#counter.compared(this.#buckets.add(value));
    this.target.add(value);
    return undefined;
  }
}

/** The non-enumerable parts of an error, as `flags` lists them; then its properties. */
export class ErrorBuilder extends KeyedBuilder {
  readonly #parts: string[];

  constructor(target: Error, flags: number, fields: number) {
    super(target, fields, Cost.Error);
    this.#parts = PARTS.filter(([part]) => (flags & part) !== 0).map(([, name]) => name);
    this.remaining += this.#parts.length;
  }

  override add(value: unknown): string | undefined {
    const part = this.#parts.shift();
    if (part === undefined) return super.add(value);
    Object.defineProperty(this.target, part, { value, writable: true, enumerable: false, configurable: true });
    return undefined;
  }
}

/** Makes an error without own properties. */
export function bareError(name: (typeof ERROR_NAMES)[number]): Error {
  const error = withoutStack(() => (name === 'AggregateError' ? new AggregateError([]) : new SIMPLE_ERRORS[name]()));
  for (const key of Object.getOwnPropertyNames(error)) Reflect.deleteProperty(error, key);
  return error;
}

const SIMPLE_ERRORS = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

/**
 * A DOMException without a stack. It would be made when the message's own takes its place, of name and message: of
 * whatever a hostile message has put there.
 */
export function bareDomException(message: string, name: string): DOMException {
  const exception = withoutStack(() => new DOMException(message, name));
  Reflect.deleteProperty(exception, 'stack');
  return exception;
}

/** The stack of the place where an error is decoded says nothing, and takes a microsecond. */
function withoutStack<T>(make: () => T): T {
  return withStackLimit(0, make);
}

const PARTS: [ErrorPart, string][] = [
  [ErrorPart.Name, 'name'],
  [ErrorPart.Message, 'message'],
  [ErrorPart.Stack, 'stack'],
  [ErrorPart.Cause, 'cause'],
  [ErrorPart.Errors, 'errors'],
];

const DECORATED = new Set<object>(
  [Map, Set, Date, RegExp, Number, String, Boolean, BigInt, Symbol, ArrayBuffer, URL, URLSearchParams].map(
    (builtin) => builtin.prototype,
  ),
);

/** The stand-in for an instance that is not built yet is a Proxy, which even refuses to give its prototype. */
function isDecorated(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || types.isProxy(value)) return false;
  return DECORATED.has(Object.getPrototypeOf(value) as object);
}

/** A built-in object, then the properties that someone added to it. */
export class DecoratedBuilder extends KeyedBuilder {
  #decorated: object | undefined;

  constructor(count: number) {
    super(EMPTY, count, Cost.Decorated);
    this.remaining++;
  }

  override add(value: unknown): string | undefined {
    if (this.#decorated === undefined) {
      // Nothing but what this message has made: a handle's methods, say, are no peer's to replace.
      if (!isDecorated(value)) return 'properties follow a value that cannot have any';
      this.#decorated = value;
      this.target = value;
      return undefined;
    }
    return super.add(value);
  }
}

const EMPTY: object = Object.freeze({});

export class BoxBuilder extends Builder {
  constructor() {
    super(undefined, 1, Cost.Box);
  }

  add(value: unknown): string | undefined {
    if (typeof value === 'object' || value === undefined) return 'only a primitive can be boxed';
    this.target = Object(value);
    return undefined;
  }
}

/** A view over the ArrayBuffer that is its one child. */
export class ViewBuilder extends Builder {
  readonly #number: number;
  readonly #byteOffset: number;
  readonly #byteLength: number;

  constructor(number: number, byteOffset: number, byteLength: number) {
    super(undefined, 1, Cost.View);
    this.#number = number;
    this.#byteOffset = byteOffset;
    this.#byteLength = byteLength;
  }

  add(value: unknown): string | undefined {
    if (!types.isArrayBuffer(value)) return 'a view needs an ArrayBuffer';
    if (this.#byteOffset + this.#byteLength > value.byteLength) return 'a view reaches past its ArrayBuffer';
    try {
      this.target = makeView(VIEW_NAMES[this.#number], value, this.#byteOffset, this.#byteLength);
    } catch {
      return 'a view does not fit its ArrayBuffer';
    }
    return this.target === undefined ? 'this Node does not have the type of a view' : undefined;
  }
}

type ViewConstructor = (new (buffer: ArrayBuffer, byteOffset: number, length: number) => ArrayBufferView) & {
  BYTES_PER_ELEMENT?: number;
};

function makeView(name: string | undefined, buffer: ArrayBuffer, byteOffset: number, byteLength: number): unknown {
  if (name === undefined) return undefined;
  if (name === 'Buffer') return Buffer.from(buffer, byteOffset, byteLength);
  const View = (globalThis as unknown as Record<string, ViewConstructor | undefined>)[name];
  if (View === undefined) return undefined;
  const length = byteLength / (View.BYTES_PER_ELEMENT ?? 1);
  if (!Number.isInteger(length)) throw new RangeError('an element is cut short');
  return new View(buffer, byteOffset, length);
}

import { types } from 'node:util';
import { Kind } from './kinds.js';
import { Refusal } from './paths.js';
import { NumberType } from './tags.js';

// An object's own property may hide the getter of its class, and hold anything.
export const flagsOf = getterOf<string>(RegExp.prototype, 'flags');
export const sourceOf = getterOf<string>(RegExp.prototype, 'source');
export const exceptionName = getterOf<string>(DOMException.prototype, 'name');
export const exceptionMessage = getterOf<string>(DOMException.prototype, 'message');
const isResizable = getterOf<boolean>(ArrayBuffer.prototype, 'resizable');
const maxByteLength = getterOf<number>(ArrayBuffer.prototype, 'maxByteLength');
const sizeOfMap = getterOf<number>(Map.prototype, 'size');
const sizeOfSet = getterOf<number>(Set.prototype, 'size');
const typedArray = viewGetters(Object.getPrototypeOf(Uint8Array.prototype) as object);
const dataView = viewGetters(DataView.prototype);

function getterOf<R>(prototype: object, key: string): (object: object) => R {
  const get = Object.getOwnPropertyDescriptor(prototype, key)?.get as () => R;
  return (object) => get.call(object);
}

function viewGetters(prototype: object) {
  return {
    buffer: getterOf<ArrayBufferLike>(prototype, 'buffer'),
    byteOffset: getterOf<number>(prototype, 'byteOffset'),
    byteLength: getterOf<number>(prototype, 'byteLength'),
  };
}

/** Returns the memory that a view shows. */
export function memoryOf(view: ArrayBufferView): { buffer: ArrayBufferLike; byteOffset: number; byteLength: number } {
  const { buffer, byteOffset, byteLength } = types.isDataView(view) ? dataView : typedArray;
  return { buffer: buffer(view), byteOffset: byteOffset(view), byteLength: byteLength(view) };
}

/** Returns the length that an ArrayBuffer may grow to; undefined if it cannot grow. */
export function growsTo(buffer: ArrayBuffer): number | undefined {
  return isResizable(buffer) ? maxByteLength(buffer) : undefined;
}

/** The size of a Map; of what only looks like one, a refusal. */
export function mapSize(value: object): number {
  try {
    return sizeOfMap(value);
  } catch (error) {
    throw notGenuine(value, error);
  }
}

/** The same for a Set. */
export function setSize(value: object): number {
  try {
    return sizeOfSet(value);
  } catch (error) {
    throw notGenuine(value, error);
  }
}

/** The refusal of a built-in object that its own methods refuse. */
export function notGenuine(value: object, error: unknown): Refusal {
  if (types.isArrayBuffer(value))
    return new Refusal('a detached ArrayBuffer cannot be sent: its memory has moved', value, error);
  const name = nameOf(value) ?? 'built-in object';
  return new Refusal(`an object that only looks like ${withArticle(name)} cannot be sent`, value, error);
}

const withArticle = (name: string): string => `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`;

export function changed(value: object): Refusal {
  return new Refusal('a getter, a Proxy or a reduce changed it while it was encoded', value);
}

export function pairs(value: object, keys: readonly string[]): unknown[] {
  const parts: unknown[] = [];
  for (const key of keys) parts.push(key, (value as Record<string, unknown>)[key]);
  return parts;
}

/** Up to this length, an array's keys are cheaper to list than its values. */
const SHORT_ARRAY = 16;

/** Whether an array has as many properties as elements. */
function hasAsMany(array: readonly unknown[]): boolean {
  const { length } = array;
  const properties = length <= SHORT_ARRAY ? Object.keys(array) : Object.values(array);
  return properties.length === length;
}

/** Whether an array has all its elements, and no property beside them. */
export function isDense(array: readonly unknown[]): boolean {
  const { length } = array;
  if (!hasAsMany(array)) return false;
  // A hole may be made up for by a named property.
  for (let i = 0; i < length; i++) if (array[i] === undefined && !Object.hasOwn(array, i)) return false;
  return true;
}

/** The narrowest type for all elements of a dense array; undefined for one that is not, or holds anything but numbers. */
export function numberTypeOf(array: readonly unknown[]): NumberType | undefined {
  let bits = 0;
  let fractions = false;
  for (let i = 0; i < array.length; i++) {
    const item = array[i];
    if (typeof item !== 'number') return undefined;
    const int = item | 0;
    // The bits without the sign; of a negative number, the bits that differ from the sign.
    if (int === item && !Object.is(item, -0)) bits |= int ^ (int >> 31);
    else fractions = true;
  }
  if (!hasAsMany(array)) return undefined;
  if (fractions) return NumberType.Float64;
  return bits < 0x80 ? NumberType.Int8 : bits < 0x8000 ? NumberType.Int16 : NumberType.Int32;
}

export function isIndex(key: string): boolean {
  const n = Number(key) >>> 0;
  return String(n) === key && n !== 0xffffffff;
}

/** The own enumerable properties that someone added to a built-in object. */
export function extraKeys(kind: Kind, value: object): readonly string[] {
  const keys = Object.keys(value);
  if (kind === Kind.DomException) return [];
  // A boxed string's characters are properties too.
  return kind === Kind.Boxed && types.isStringObject(value)
    ? keys.slice(String.prototype.valueOf.call(value).length)
    : keys;
}

export function unboxed(value: object): unknown {
  if (types.isNumberObject(value)) return Number.prototype.valueOf.call(value);
  if (types.isStringObject(value)) return String.prototype.valueOf.call(value);
  if (types.isBooleanObject(value)) return Boolean.prototype.valueOf.call(value);
  if (types.isBigIntObject(value)) return BigInt.prototype.valueOf.call(value);
  return Symbol.prototype.valueOf.call(value);
}

/** Returns the name of a value's class; undefined if it has none. */
function nameOf(value: object): string | undefined {
  const constructor: unknown = (value as { constructor?: unknown }).constructor;
  if (typeof constructor !== 'function' || constructor === Object) return undefined;
  return value instanceof constructor && constructor.name !== '' ? constructor.name : undefined;
}

/** Ends the message about a SharedArrayBuffer, or about a view of one. */
export const NOT_SHARED = 'cannot be sent; use SharedMemory of @aiopipe/core';

export function whyNot(value: object): string {
  if (types.isSharedArrayBuffer(value)) return `a SharedArrayBuffer ${NOT_SHARED}`;
  const name = nameOf(value);
  if (name === 'Promise') return 'a Promise cannot be sent; await it first';
  if (name === undefined) return 'an object whose prototype is another object cannot be sent';
  const native = /\[native code\]\s*\}$/.test(Function.prototype.toString.call(value.constructor));
  if (native) return `${withArticle(name)} cannot be sent`;
  return `an instance of ${name} cannot be sent: its class is not registered; call register() for it on both sides, or send a plain object`;
}

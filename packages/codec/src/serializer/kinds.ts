import { types } from 'node:util';

/** The kinds of objects that the format distinguishes. */
export const enum Kind {
  Object,
  NullObject,
  Array,
  Map,
  Set,
  Date,
  RegExp,
  Boxed,
  Error,
  DomException,
  ArrayBuffer,
  View,
  Url,
  UrlSearchParams,
}

/** The types of view over an ArrayBuffer, by their number on the wire. */
export const VIEW_NAMES = [
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'DataView',
  'Buffer',
  'Float16Array',
] as const;

/** The built-in classes of errors, by their number on the wire. */
export const ERROR_NAMES = [
  'Error',
  'EvalError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'TypeError',
  'URIError',
  'AggregateError',
] as const;

const KIND_OF_NAME = new Map<string, Kind>([
  ['Object', Kind.Object],
  ['Array', Kind.Array],
  ['Map', Kind.Map],
  ['Set', Kind.Set],
  ['Date', Kind.Date],
  ['RegExp', Kind.RegExp],
  ['Number', Kind.Boxed],
  ['String', Kind.Boxed],
  ['Boolean', Kind.Boxed],
  ['BigInt', Kind.Boxed],
  ['Symbol', Kind.Boxed],
  ['DOMException', Kind.DomException],
  ['ArrayBuffer', Kind.ArrayBuffer],
  ['URL', Kind.Url],
  ['URLSearchParams', Kind.UrlSearchParams],
  ...ERROR_NAMES.map((name): [string, Kind] => [name, Kind.Error]),
  ...VIEW_NAMES.map((name): [string, Kind] => [name, Kind.View]),
]);

interface Builtin {
  readonly prototype: object;
}

const builtins = new Map<object, { kind: Kind; name: string }>();
for (const [name, kind] of KIND_OF_NAME) {
  // One that this Node lacks (Float16Array) has no instances to send.
  const builtin = (globalThis as unknown as Record<string, Builtin | undefined>)[name];
  if (builtin !== undefined) builtins.set(builtin.prototype, { kind, name });
}

/** The kind of this realm's instances with this prototype; undefined for a class that is not built in. */
export function kindOfPrototype(prototype: object): Kind | undefined {
  return builtins.get(prototype)?.kind;
}

/**
 * The same for a built-in class of another realm (a vm context, say). Its name and its being native code tell it from
 * a class that merely has the name; `Object` is the root of the prototypes.
 */
export function kindInOtherRealm(value: object, prototype: object): Kind | undefined {
  const name = foreignName(prototype);
  if (name === undefined || builtins.has(prototype)) return undefined;
  const kind = KIND_OF_NAME.get(name);
  switch (kind) {
    case Kind.Object:
      return Object.getPrototypeOf(prototype) === null ? kind : undefined;
    case Kind.Array:
      return Array.isArray(value) ? kind : undefined;
    case Kind.Map:
      return types.isMap(value) ? kind : undefined;
    case Kind.Set:
      return types.isSet(value) ? kind : undefined;
    case Kind.Date:
      return types.isDate(value) ? kind : undefined;
    case Kind.RegExp:
      return types.isRegExp(value) ? kind : undefined;
    case Kind.Boxed:
      return types.isBoxedPrimitive(value) ? kind : undefined;
    case Kind.ArrayBuffer:
      return types.isArrayBuffer(value) ? kind : undefined;
    case Kind.View:
      return ArrayBuffer.isView(value) ? kind : undefined;
    default:
      return undefined;
  }
}

/** Returns the name of the nearest built-in error class of an instance, in any realm; undefined if it is not an error. */
export function errorClassOf(value: object): (typeof ERROR_NAMES)[number] | undefined {
  for (
    let link = Object.getPrototypeOf(value) as object | null;
    link !== null;
    link = Object.getPrototypeOf(link) as object | null
  ) {
    const name = builtins.get(link)?.name ?? foreignName(link);
    const found = ERROR_NAMES.find((known) => known === name);
    if (found !== undefined) return found;
  }
  return types.isNativeError(value) ? 'Error' : undefined;
}

/** The name of the class that a prototype belongs to, if that class is native code. */
function foreignName(prototype: object): string | undefined {
  const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  if (typeof constructor !== 'function' || (constructor as unknown as Builtin).prototype !== prototype)
    return undefined;
  return /\[native code\]\s*\}$/.test(Function.prototype.toString.call(constructor)) ? constructor.name : undefined;
}

/** Returns the name of a typed array's type, in any realm and despite own properties; undefined for a DataView. */
const typedArrayName = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
  ?.get as (this: ArrayBufferView) => string | undefined;

/** A view's number on the wire. */
export function viewNumber(view: ArrayBufferView): number {
  const name = Buffer.isBuffer(view) ? 'Buffer' : (typedArrayName.call(view) ?? 'DataView');
  return VIEW_NAMES.indexOf(name as (typeof VIEW_NAMES)[number]);
}

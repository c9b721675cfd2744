import { AiopipeError } from '@aiopipe/core';
import { checkOptions, optionNames, refuseOptions, show } from '@aiopipe/core/internal';
import { kindOfPrototype } from './kinds.js';
import { TableLimit } from './tags.js';

/**
 * How instances of a class travel.
 *
 * @typeParam T the class's instances
 * @typeParam D the data that stands for an instance on the wire: any value that can be sent, also other instances
 *
 * @see the example of {@link register}
 */
export interface Registration<T extends object, D> {
  /** The class's name on the wire, the same on both sides and different from all others: `'geo/Point'`. At most 256 characters. */
  readonly name: string;
  /** Returns the data that stands for this instance. */
  readonly reduce: (instance: T) => D;
  /** Builds the instance from its data. With {@link create}, it fills in the instance that `create` made. */
  readonly revive: (data: D, instance: T) => T | void;
  /**
   * Makes an empty instance before its data is read. A class needs it if an instance can hold itself in a private field,
   * directly or through others: its data refers to an instance that must be there already.
   */
  readonly create?: (() => T) | undefined;
}

const REGISTRATION = optionNames<Registration<object, unknown>>({
  name: true,
  reduce: true,
  revive: true,
  create: true,
});

/**
 * Turns values into bytes and back, in the place of the serializer.
 *
 * @see the example of {@link registerCodec}
 */
export interface ByteCodec {
  encode: (value: unknown) => Uint8Array;
  decode: (bytes: Buffer) => unknown;
}

const CODEC = optionNames<ByteCodec>({ encode: true, decode: true });

/** A registered class. */
export interface Entry {
  readonly name: string;
  readonly constructor: abstract new (...args: never[]) => object;
  readonly reduce: (instance: object) => unknown;
  readonly revive: (data: unknown, instance?: object) => unknown;
  readonly create: (() => object) | undefined;
}

interface Registry {
  readonly byName: Map<string, Entry>;
  readonly byPrototype: Map<object, Entry>;
  readonly codecs: Map<string, ByteCodec>;
}

const REGISTRY = Symbol.for('@aiopipe/codec.registry');
const RESERVED_CODECS = new Set(['default', 'json']);

/** On `globalThis`, so that every loaded copy of this package knows the classes that were registered with another. */
const registry: Registry = ((globalThis as { [REGISTRY]?: Registry })[REGISTRY] ??= {
  byName: new Map(),
  byPrototype: new Map(),
  codecs: new Map(),
});

/**
 * Lets instances of a class be sent. Sender and receiver both register it, under the same name. An instance of a
 * subclass that is not registered itself travels as its nearest registered class.
 *
 * @throws TypeError if an argument is wrong, or if the class is built in and can be sent as it is
 * @throws AiopipeError `ERR_AIOPIPE_ALREADY_REGISTERED` if another class has the name, or the class another name
 *
 * @example
 * ```ts
 * import { deserialize, register, serialize } from '@aiopipe/codec';
 *
 * class Money {
 *   #cents: bigint;
 *   constructor(cents: bigint) {
 *     this.#cents = cents;
 *   }
 *   get cents() {
 *     return this.#cents;
 *   }
 * }
 * register(Money, { name: 'shop/Money', reduce: (money) => money.cents, revive: (cents) => new Money(cents) });
 * const copy = deserialize(serialize(new Money(250n))) as Money;
 * console.log(copy.cents);
 * ```
 * ```text
 * 250n
 * ```
 */
export function register<T extends object, const D>(
  Class: abstract new (...args: never[]) => T,
  registration: Registration<T, D>,
): void {
  if (typeof Class !== 'function' || typeof (Class as { prototype: unknown }).prototype !== 'object') {
    throw new TypeError(`register: expected a class first, not ${show(Class)}`);
  }
  if (registration === undefined)
    throw new TypeError(`register(${Class.name}): expected { name, reduce, revive } second, not undefined`);
  checkOptions(registration, REGISTRATION, 'registration');
  const { name, reduce, revive, create } = registration;
  if (typeof name !== 'string' || name === '') {
    throw new TypeError(`register(${Class.name}): name: expected a string that is not empty, not ${show(name)}`);
  }
  if (name.length > TableLimit.ClassName) {
    throw new TypeError(
      `register(${Class.name}): name: expected at most ${String(TableLimit.ClassName)} characters, not ${String(name.length)}`,
    );
  }
  for (const [key, part] of Object.entries({ reduce, revive, create: create ?? reduce })) {
    if (typeof part !== 'function')
      throw new TypeError(`register(${Class.name}): ${key}: expected a function, not ${show(part)}`);
  }
  const prototype = Class.prototype as object;
  if (kindOfPrototype(prototype) !== undefined) {
    throw new TypeError(`register(${Class.name}): ${Class.name} is built in; it can be sent without a registration`);
  }
  const other = registry.byName.get(name);
  if (other !== undefined && other.constructor !== Class) {
    throw alreadyRegistered(
      `the name '${name}' is taken: two classes cannot share it (${other.constructor.name}, ${Class.name})`,
    );
  }
  const before = registry.byPrototype.get(prototype);
  if (before !== undefined && before.name !== name) {
    throw alreadyRegistered(`${Class.name} is registered already, as '${before.name}'`);
  }
  const entry = { name, constructor: Class, reduce, revive, create } as unknown as Entry;
  registry.byName.set(name, entry);
  registry.byPrototype.set(prototype, entry);
}

/**
 * Registers a codec, which channels use by its name: `channel({ encoder: 'zlib-json', decoder: 'zlib-json' })`. Such a
 * channel can move to another process that has registered the same name.
 *
 * @throws TypeError if an argument is wrong, or if the name is built in
 * @throws AiopipeError `ERR_AIOPIPE_ALREADY_REGISTERED` if another codec has the name
 *
 * @example
 * ```ts
 * import { deflateSync, inflateSync } from 'node:zlib';
 * import { channel, deserialize, registerCodec, serialize } from '@aiopipe/codec';
 *
 * registerCodec('deflate', {
 *   encode: (value) => deflateSync(serialize(value)),
 *   decode: (bytes) => deserialize(inflateSync(bytes)),
 * });
 * using pair = channel<string>({ encoder: 'deflate', decoder: 'deflate' });
 * await pair[1].put('na'.repeat(10_000));
 * console.log((await pair[0].get()).length, pair[1].stats.bytesSent < 200);
 * ```
 * ```text
 * 20000 true
 * ```
 */
export function registerCodec(name: string, codec: ByteCodec): void {
  if (typeof name !== 'string' || name === '') {
    throw new TypeError(`registerCodec: expected a name first, not ${show(name)}`);
  }
  if (RESERVED_CODECS.has(name))
    throw new TypeError(`registerCodec: the name '${name}' is built in; choose another name`);
  if (typeof codec?.encode !== 'function' || typeof codec.decode !== 'function') {
    // A library's object may have more beside the two, so that other names are looked at only if one of the two is missing.
    const part = typeof codec?.encode === 'function' ? 'decode' : 'encode';
    throw (
      refuseOptions(codec, CODEC, 'codec') ??
      new TypeError(`registerCodec('${name}'): ${part}: expected a function, not ${show(codec?.[part])}`)
    );
  }
  const other = registry.codecs.get(name);
  if (other !== undefined && (other.encode !== codec.encode || other.decode !== codec.decode)) {
    throw alreadyRegistered(`a codec is registered already as '${name}'`);
  }
  registry.codecs.set(name, { encode: codec.encode, decode: codec.decode });
}

/** The codec of this name, if one is registered. */
export function codecNamed(name: string): ByteCodec | undefined {
  return registry.codecs.get(name);
}

export function entryNamed(name: string): Entry | undefined {
  return registry.byName.get(name);
}

/** The nearest registered class on a prototype chain. */
export function entryFor(prototype: object | null): Entry | undefined {
  for (let link = prototype; link !== null; link = Object.getPrototypeOf(link) as object | null) {
    const entry = registry.byPrototype.get(link);
    if (entry !== undefined) return entry;
  }
  return undefined;
}

function alreadyRegistered(message: string): AiopipeError {
  return new AiopipeError('ERR_AIOPIPE_ALREADY_REGISTERED', message);
}

import { show } from '@aiopipe/core/internal';

/**
 * A function of any arguments.
 *
 * @see the example of {@link RemoteMethod}
 */
export type AnyFunction = (...args: never) => unknown;

/**
 * Whether a name is never one of a method. Every object inherits the names of Object.prototype, and `await`, `JSON.stringify()`
 * and the like ask any object for the others: none of them may make a call.
 */
export function isReserved(name: string): boolean {
  return name === 'then' || name === 'toJSON' || name in Object.prototype;
}

/**
 * Returns the methods that the object has now: its own enumerable ones, and those of its classes. No getter is run: what a
 * getter returns is no method.
 */
export function methodsOf(object: object): Map<string, AnyFunction> {
  const methods = new Map<string, AnyFunction>();
  const seen = new Set<string>();
  for (let holder: object | null = object; holder !== null; holder = Object.getPrototypeOf(holder) as object | null) {
    for (const name of Object.getOwnPropertyNames(holder)) {
      if (isReserved(name) || seen.has(name)) continue;
      const { value, enumerable } = Object.getOwnPropertyDescriptor(holder, name) as TypedPropertyDescriptor<unknown>;
      if (holder === object && enumerable !== true) continue;
      // A field hides a method of that name in a class.
      seen.add(name);
      if (typeof value === 'function') methods.set(name, value as AnyFunction);
    }
  }
  return methods;
}

/** Throws TypeError if the object has no methods: the program most likely meant another object. */
export function checkedMethods(object: unknown): Map<string, AnyFunction> {
  if (typeof object !== 'object' || object === null) {
    throw new TypeError(`expose: expected an object with methods, not ${show(object)}`);
  }
  const methods = methodsOf(object);
  if (methods.size === 0)
    throw new TypeError(`expose: the object has no methods, of its own or of its class: ${show(object)}`);
  return methods;
}

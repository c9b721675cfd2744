import { reasonOf } from '@aiopipe/core/internal';
import { Builder } from './builders.js';
import { DecodeError } from '../errors.js';
import { Cost } from './memory-cost.js';
import type { Entry } from './registry.js';

/** Stands in for an instance that is not built yet, if its own data refers to it. */
interface StandIn {
  readonly name: string;
  /** Undefined until the instance is built. */
  instance: object | undefined;
}

/** The decoder's notes on a message's instances: the first error, and the cycles through them. */
export class Instances {
  /** The error to throw once the whole message was read, so that the tables match the sender's. */
  problem: { error: unknown } | undefined;
  readonly #standIns = new Map<object, StandIn>();
  readonly #built = new Set<object>();

  /** Whether a message had no instance, so that there is nothing to settle. */
  get isIdle(): boolean {
    return this.problem === undefined && this.#built.size === 0;
  }

  fail(error: unknown): null {
    this.problem ??= { error };
    return null;
  }

  /** Returns a stand-in for an instance that is not built yet. The stand-in cannot be used until then. */
  standInFor(builder: InstanceBuilder): object {
    if (builder.standIn === undefined) {
      const message = `the instance of '${builder.name}' is not built yet: its own data refers to it (see create in register())`;
      const refuse = (): never => {
        throw new TypeError(message);
      };
      const traps = Object.fromEntries(TRAPS.map((trap) => [trap, refuse]));
      builder.standIn = new Proxy({}, traps);
      this.#standIns.set(builder.standIn, { name: builder.name, instance: undefined });
    }
    return builder.standIn;
  }

  finished(builder: InstanceBuilder, instance: object): void {
    if (builder.standIn !== undefined) (this.#standIns.get(builder.standIn) as StandIn).instance = instance;
    this.#built.add(instance);
  }

  /** Puts the instances where their stand-ins are, in all of the message that can be seen. */
  settle(root: unknown): void {
    if (this.#standIns.size === 0 || this.problem !== undefined) return;
    const lost = new Set(this.#standIns.keys());
    const actual = (value: unknown): unknown => {
      const standIn = this.#standIns.get(value as object);
      if (standIn === undefined) return value;
      lost.delete(value as object);
      return standIn.instance;
    };
    const seen = new Set<unknown>();
    const pending: unknown[] = [root, ...this.#built];
    while (pending.length > 0) {
      const object = pending.pop();
      if (typeof object !== 'object' || object === null || seen.has(object)) continue;
      seen.add(object);
      if (this.#built.has(object) || isData(object)) replaceIn(object, actual, pending);
    }
    for (const standIn of lost) {
      const { name } = this.#standIns.get(standIn) as StandIn;
      this.fail(
        new DecodeError(
          `an instance of '${name}' refers to itself in its data; its registration needs create (see register())`,
          { fatal: false },
        ),
      );
    }
  }
}

const TRAPS = [
  ...['get', 'set', 'has', 'ownKeys', 'deleteProperty', 'defineProperty', 'getOwnPropertyDescriptor'],
  ...['getPrototypeOf', 'setPrototypeOf', 'isExtensible', 'preventExtensions'],
];

/** Objects that hold what they hold in the open. */
function isData(object: object): boolean {
  if (Array.isArray(object) || object instanceof Map || object instanceof Set || object instanceof Error) return true;
  const prototype = Object.getPrototypeOf(object) as object | null;
  return prototype === null || prototype === Object.prototype;
}

function replaceIn(object: object, actual: (value: unknown) => unknown, pending: unknown[]): void {
  if (object instanceof Map) {
    const entries = [...(object as Map<unknown, unknown>)].map(([k, v]): [unknown, unknown] => [actual(k), actual(v)]);
    object.clear();
    for (const [key, value] of entries) {
      object.set(key, value);
      pending.push(key, value);
    }
  } else if (object instanceof Set) {
    const members = [...(object as Set<unknown>)].map(actual);
    object.clear();
    for (const member of members) {
      object.add(member);
      pending.push(member);
    }
  }
  for (const key of Reflect.ownKeys(object)) {
    const descriptor = Object.getOwnPropertyDescriptor(object, key) as PropertyDescriptor;
    if (!('value' in descriptor)) continue;
    const value = actual(descriptor.value);
    if (value !== descriptor.value && !Reflect.defineProperty(object, key, { value })) continue;
    pending.push(value);
  }
}

/** An instance of a registered class, made of the data that is its one child. */
export class InstanceBuilder extends Builder {
  standIn: object | undefined;
  #data: unknown;
  readonly #entry: Entry | undefined;
  readonly #instances: Instances;

  constructor(
    readonly name: string,
    entry: Entry | undefined,
    instances: Instances,
  ) {
    super(undefined, 1, Cost.Instance);
    this.#entry = entry;
    this.#instances = instances;
    if (entry?.create !== undefined && instances.problem === undefined) {
      try {
        this.target = entry.create();
      } catch (error) {
        instances.fail(this.#failure('create', error));
      }
    }
  }

  add(value: unknown): string | undefined {
    this.#data = value;
    return undefined;
  }

  override finish(): unknown {
    const entry = this.#entry;
    const instances = this.#instances;
    // Once something is missing, no further user code gets to see what is left. And one error is enough: a message may
    // hold millions of these.
    if (instances.problem !== undefined) return null;
    if (entry === undefined) {
      const message = `no class is registered as '${this.name}' in this process; call register() with this name here, too, as on the side that sent it`;
      return instances.fail(new DecodeError(message, { fatal: false }));
    }
    try {
      const instance = this.#revive(entry);
      instances.finished(this, instance);
      return instance;
    } catch (error) {
      return instances.fail(this.#failure('revive', error));
    }
  }

  #revive(entry: Entry): object {
    const { target } = this;
    const revived = target === undefined ? entry.revive(this.#data) : entry.revive(this.#data, target as object);
    const instance = target !== undefined && revived === undefined ? target : revived;
    if (typeof instance !== 'object' || instance === null) throw new TypeError('revive() returned no object');
    if (target !== undefined && instance !== target)
      throw new TypeError('revive() returned another instance than create() made');
    return instance;
  }

  #failure(what: string, error: unknown): DecodeError {
    return new DecodeError(`${what} of '${this.name}' failed: ${reasonOf(error)}`, { fatal: false, cause: error });
  }
}

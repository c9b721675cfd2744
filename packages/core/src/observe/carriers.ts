import { checkName } from '../check/text.js';
import { show } from '../check/show.js';
import { describeValue } from '../check/thrown.js';
import { handled } from '../wait/handled.js';
import { Once } from './once.js';

/**
 * Takes the context of a call to the process that does the work. It is asked at each start of a child process, task of a pool
 * and call over a channel, and at each message of a channel with `context: true`. The code of the receiver runs within that
 * context, if a carrier of the same name was added there, too.
 *
 * @see the example of {@link addContextCarrier}
 */
export interface ContextCarrier {
  /** Names the carrier on both sides. */
  readonly name: string;
  /** Returns the current context as a string; undefined if there is none. */
  inject(): string | undefined;
  /** Calls `run` within the context that a carrier of this name has injected. */
  extract(carried: string, run: () => void): void;
  /** Returns variables for the environment of programs that `popen()` and chains start in the current context. */
  env?(): Readonly<Record<string, string>> | undefined;
}

/** The contexts of one call, by the names of their carriers. */
export type CarriedContext = Readonly<Record<string, string>>;

/** Carriers belong to the process: two copies of this package may be loaded. */
const CARRIERS = Symbol.for('@aiopipe/core.contextCarriers');

type Carriers = Map<string, ContextCarrier>;

const carriers = ((globalThis as unknown as Record<symbol, Carriers>)[CARRIERS] ??= new Map());

/**
 * Adds a carrier: from now on it is asked for the context of each start, task and call. Dispose of what this returns to remove the
 * carrier.
 *
 * Add it in the modules of the children, too: in the module of a target, or in one that `--import` names. If a method of a
 * carrier throws, rejects or returns another value than it must, the call goes on without its context, and a process warning
 * (`AIOPIPE_CARRIER_FAILED`) says so once.
 *
 * @throws TypeError if the carrier lacks a method, or another carrier has its name
 *
 * @example
 * ```ts
 * import { AsyncLocalStorage } from 'node:async_hooks';
 * import { addContextCarrier } from '@aiopipe/core';
 * import { isChild, startProcess, target } from '@aiopipe/process';
 *
 * const requests = new AsyncLocalStorage<string>();
 * addContextCarrier({
 *   name: 'request-id',
 *   inject: () => requests.getStore(),
 *   extract: (id, run) => requests.run(id, run),
 * });
 * export const work = target(import.meta.url, 'work', () => requests.getStore());
 * if (!isChild()) console.log(await requests.run('request 7', () => startProcess(work).result));
 * ```
 * ```text
 * request 7
 * ```
 */
export function addContextCarrier(carrier: ContextCarrier): Disposable {
  if (typeof carrier !== 'object' || (carrier as unknown) === null) {
    throw new TypeError(`carrier: expected an object with name, inject and extract, not ${show(carrier)}`);
  }
  const { name } = carrier;
  checkName('name', name);
  for (const method of ['inject', 'extract'] as const) {
    if (typeof carrier[method] !== 'function') {
      throw new TypeError(`carrier.${method}: expected a function, not ${show(carrier[method])}`);
    }
  }
  if (carriers.has(name)) throw new TypeError(`carrier: there is one with the name ${show(name)} already`);
  carriers.set(name, carrier);
  return {
    [Symbol.dispose]: () => {
      if (carriers.get(name) === carrier) carriers.delete(name);
    },
  };
}

/** Returns the current context, as it crosses to another process; undefined if no carrier has one. */
export function injectContext(): CarriedContext | undefined {
  if (carriers.size === 0) return undefined;
  let context: Record<string, string> | undefined;
  for (const [name, carrier] of carriers) {
    const carried = guarded(carrier, () => textOf(carrier.inject()));
    if (carried !== undefined) (context ??= makeRecord())[name] = carried;
  }
  return context;
}

/** A carrier without types may return anything: a promise that rejects, an object whose `toString()` throws. */
function textOf(injected: unknown): string | undefined {
  if (injected === undefined || typeof injected === 'string') return injected;
  if (injected instanceof Promise) handled(injected);
  throw new TypeError(`inject(): expected a string or undefined, not ${show(injected)}`);
}

/**
 * Returns the variables that carriers set for programs; undefined if there are none.
 *
 * @param read - returns the variables of an environment; throws for what a program cannot get
 */
export function contextVariables(
  read: (env: unknown) => [name: string, value: string][],
): ReadonlyMap<string, string> | undefined {
  if (carriers.size === 0) return undefined;
  let variables: Map<string, string> | undefined;
  for (const carrier of carriers.values()) {
    const more = guarded(carrier, () => {
      const env: unknown = carrier.env?.();
      if (env instanceof Promise) handled(env);
      return env === undefined ? undefined : read(env);
    });
    if (more !== undefined) variables = new Map([...(variables ?? []), ...more]);
  }
  return variables;
}

/** Calls `run` once, within the context that came from another process, and returns what it returns. */
export function runInContext<Result>(context: CarriedContext | undefined, run: () => Result): Result {
  if (context === undefined || carriers.size === 0) return run();
  const entries = [...carriers.values()].filter(({ name }) => Object.hasOwn(context, name));
  const once = new Once(run);
  const enter = (index: number): void => {
    if (once.isSettled) return;
    const carrier = entries[index];
    if (carrier === undefined) {
      once.settle();
      return;
    }
    guarded(carrier, () => {
      const returned: unknown = carrier.extract(context[carrier.name] as string, () => {
        enter(index + 1);
      });
      // An async function, which TypeScript allows here. Its rejection would end the program.
      if (returned instanceof Promise) {
        returned.catch((error: unknown) => {
          warnOnce(carrier, error);
        });
      }
    });
    // The carrier has not called back: the next one goes on without it.
    enter(index + 1);
  };
  enter(0);
  return once.result();
}

/** Returns a context that another process has sent, if it is one; undefined for any other value. */
export function readContext(value: unknown): CarriedContext | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.values(value).every((carried) => typeof carried === 'string') ? (value as CarriedContext) : undefined;
}

/** Without a prototype: names of carriers are any strings. */
function makeRecord(): Record<string, string> {
  return Object.create(null) as Record<string, string>;
}

let hasWarned = false;

function guarded<Result>(carrier: ContextCarrier, call: () => Result): Result | undefined {
  try {
    return call();
  } catch (error) {
    warnOnce(carrier, error);
    return undefined;
  }
}

function warnOnce(carrier: ContextCarrier, error: unknown): void {
  if (hasWarned) return;
  hasWarned = true;
  process.emitWarning(
    `the context carrier ${show(carrier.name)} failed: ${describeValue(error)}; calls go on without its context`,
    { type: 'AiopipeWarning', code: 'AIOPIPE_CARRIER_FAILED' },
  );
}

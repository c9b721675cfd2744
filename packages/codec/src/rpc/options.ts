import { checkCount, checkOptions, optionNames, show } from '@aiopipe/core/internal';
import { checkBy, type Check, type StandardSchema } from '../channel/validation.js';

/**
 * Options of `expose()`.
 *
 * @example
 * ```ts
 * import { channel, expose, proxy } from '@aiopipe/codec';
 *
 * const [here, there] = channel({ duplex: true });
 * expose(there, { add: (a: number, b: number) => a + b }, { maxCalls: 100 });
 * console.log(await proxy<{ add(a: number, b: number): number }>(here).add(1, 2));
 * here.close();
 * there.close();
 * ```
 * ```text
 * 3
 * ```
 */
export interface ExposeOptions {
  /**
   * How many calls of the peer may be open at once, also those whose caller no longer waits. One more is refused with
   * QueueFullError. Default: 10,000.
   */
  readonly maxCalls?: number | undefined;
  /**
   * Schemas by the name of the method. Each checks the list of the arguments, and the method gets what the schema makes of it.
   * If a list is not valid, the call rejects with InvalidMessageError. Default: none.
   */
  readonly schemas?: Readonly<Record<string, StandardSchema>> | undefined;
}

/**
 * Options of `proxy()`.
 *
 * @example
 * ```ts
 * import { channel, expose, proxy } from '@aiopipe/codec';
 *
 * const source = { *numbers() { yield* [1, 2, 3]; } };
 * const [here, there] = channel({ duplex: true });
 * expose(there, source);
 * for await (const n of proxy<typeof source>(here, { window: 1 }).numbers()) console.log(n);
 * here.close();
 * there.close();
 * ```
 * ```text
 * 1
 * 2
 * 3
 * ```
 */
export interface ProxyOptions {
  /** How many items of a generator the peer may send ahead. Default: 16. */
  readonly window?: number | undefined;
  /** How many functions the peer may keep with `retain()`. Default: 1,000. */
  readonly maxFunctions?: number | undefined;
  /**
   * Schemas by the name of the method. Each checks the result; of a generator, each item. The call resolves with what the schema
   * makes of it, or rejects with InvalidMessageError. Default: none.
   */
  readonly schemas?: Readonly<Record<string, StandardSchema>> | undefined;
}

const EXPOSE_OPTIONS = optionNames<ExposeOptions>({ maxCalls: true, schemas: true });
const PROXY_OPTIONS = optionNames<ProxyOptions>({ window: true, maxFunctions: true, schemas: true });

export const DEFAULT_MAX_CALLS = 10_000;
export const DEFAULT_MAX_FUNCTIONS = 1000;
export const DEFAULT_WINDOW = 16;

export function checkExposeOptions(options: ExposeOptions | undefined): void {
  checkOptions(options, EXPOSE_OPTIONS);
  checkCount('maxCalls', options?.maxCalls, { least: 1, of: 'calls' });
}

export function checkProxyOptions(options: ProxyOptions | undefined): void {
  checkOptions(options, PROXY_OPTIONS);
  checkCount('window', options?.window, { least: 1, most: 1_000_000, of: 'items' });
  checkCount('maxFunctions', options?.maxFunctions, { of: 'functions' });
}

/**
 * Returns the checks by name. Throws TypeError for anything else than schemas.
 *
 * @param what - completes the name in messages: `arguments` of `add()`
 */
export function checksOf(
  schemas: Readonly<Record<string, StandardSchema>> | undefined,
  what: string,
): ReadonlyMap<string, Check> | undefined {
  if (schemas === undefined) return undefined;
  if (typeof schemas !== 'object' || (schemas as unknown) === null) {
    throw new TypeError(`schemas: expected an object with a schema for each method, not ${show(schemas)}`);
  }
  return new Map(
    Object.entries(schemas).map(([name, schema]) => {
      return [name, checkBy(schema, () => `the ${what} of ${name}()`, `schemas.${name}`)];
    }),
  );
}

import { types } from 'node:util';
import { isThenable, reasonOf, show } from '@aiopipe/core/internal';
import { InvalidMessageError, type MessageIssue } from '../errors.js';

/**
 * A schema of any library that follows Standard Schema, version 1 (https://standardschema.dev): Zod, Valibot, ArkType
 * and others.
 *
 * @example
 * ```ts
 * import { channel, type StandardSchema } from '@aiopipe/codec';
 *
 * const number: StandardSchema<number> = {
 *   '~standard': {
 *     version: 1,
 *     vendor: 'example',
 *     validate: (value) => (typeof value === 'number' ? { value } : { issues: [{ message: 'not a number' }] }),
 *   },
 * };
 * using pair = channel<unknown>();
 * const reader = pair[0].validate(number); // a ChannelReader<number>
 * await pair[1].put(7);
 * console.log((await reader.get()).toFixed(1));
 * ```
 * ```text
 * 7.0
 * ```
 */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

/**
 * The outcome of a check: the value, or the issues.
 *
 * @see the example of {@link StandardSchema}
 */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly MessageIssue[] };

/**
 * The type of the values that a schema accepts.
 *
 * @see the example of {@link StandardSchema}
 */
export type SchemaOutput<Schema extends StandardSchema> =
  Extract<
    Awaited<ReturnType<Schema['~standard']['validate']>>,
    { readonly value: unknown; readonly issues?: undefined }
  > extends { readonly value: infer Output }
    ? Output
    : unknown;

/** Returns the value to give, or a native promise of it. Throws {@link InvalidMessageError}, or rejects with it. */
export type Check = (value: unknown) => unknown;

/**
 * Throws TypeError if `schema` is no Standard Schema.
 *
 * @param name - of the channel, for errors
 * @param place - of the schema, for the TypeError: the call or the option
 */
export function checkBy(schema: StandardSchema, name: () => string, place = 'validate'): Check {
  const standard = (schema as Partial<StandardSchema> | null | undefined)?.['~standard'];
  if (standard?.version !== 1 || typeof standard.validate !== 'function') {
    throw new TypeError(
      `${place}: expected a schema with '~standard' (Standard Schema, version 1), not ${show(schema)}`,
    );
  }
  const accepted = (result: SchemaResult<unknown>): unknown => {
    if (typeof result !== 'object' || result === null) throw noResult(result);
    const { issues } = result;
    if (issues !== undefined) {
      throw new InvalidMessageError(`${name()}: a message is not valid: ${describe(issues)}`, issues);
    }
    if (!('value' in result)) throw noResult(result);
    return result.value;
  };
  const failed = (cause: unknown): InvalidMessageError => {
    if (isOurs(cause)) return cause;
    return new InvalidMessageError(`${name()}: the schema failed on a message: ${reasonOf(cause)}`, [], { cause });
  };
  const settled = (promise: PromiseLike<unknown>): Promise<unknown> =>
    Promise.resolve(promise).catch((error: unknown) => {
      throw failed(error);
    });
  return (value) => {
    try {
      const result = standard.validate(value);
      if (isThenable(result)) return settled(Promise.resolve(result).then(accepted));
      const given = accepted(result);
      // get() resolves with it, which would call its `then`.
      return isThenable(given) ? settled(given) : given;
    } catch (error) {
      throw failed(error);
    }
  };
}

function noResult(returned: unknown): TypeError {
  return new TypeError(`expected { value } or { issues } from it, not ${show(returned)}`);
}

/** Asking a Proxy what it is an instance of runs its trap, which may throw. */
function isOurs(cause: unknown): cause is InvalidMessageError {
  return !types.isProxy(cause) && cause instanceof InvalidMessageError;
}

const SHOWN = 3;

function describe(issues: readonly MessageIssue[]): string {
  const shown = issues.slice(0, SHOWN).map(({ message, path = [] }) => {
    const keys = path.map((step) => String(typeof step === 'object' ? step.key : step));
    return keys.length === 0 ? message : `${keys.join('.')}: ${message}`;
  });
  if (issues.length > SHOWN) shown.push(`and ${String(issues.length - SHOWN)} more`);
  return shown.join('; ');
}

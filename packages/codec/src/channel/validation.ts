import { types } from 'node:util';
import { reasonOf } from '../serializer/describe.js';
import { InvalidMessageError, type MessageIssue } from '../errors.js';

/**
 * A schema of any library that follows Standard Schema, version 1 (https://standardschema.dev): Zod, Valibot, ArkType
 * and others.
 */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

/** What became of a value: it is what `value` says, unless there are `issues`. */
export type SchemaResult<Output> =
  { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly MessageIssue[] };

/** Returns what stands for the value, or a promise of it; throws, or rejects with, {@link InvalidMessageError}. */
export type Check = (value: unknown) => unknown;

/** Throws TypeError for what is no schema. `name` is the channel's, for errors. */
export function checkBy(schema: StandardSchema, name: () => string): Check {
  const standard = (schema as Partial<StandardSchema> | null | undefined)?.['~standard'];
  if (standard?.version !== 1 || typeof standard.validate !== 'function') {
    throw new TypeError("validate: expected a schema with '~standard' (Standard Schema, version 1)");
  }
  const accepted = (result: SchemaResult<unknown>): unknown => {
    if (result.issues === undefined) return result.value;
    throw new InvalidMessageError(`${name()}: a message is not valid: ${describe(result.issues)}`, result.issues);
  };
  const failed = (cause: unknown): InvalidMessageError => {
    if (isOurs(cause)) return cause;
    return new InvalidMessageError(`${name()}: the schema failed on a message: ${reasonOf(cause)}`, [], { cause });
  };
  return (value) => {
    try {
      const result = standard.validate(value);
      if (!isThenable(result)) return accepted(result);
      return Promise.resolve(result)
        .then(accepted)
        .catch((error: unknown) => {
          throw failed(error);
        });
    } catch (error) {
      throw failed(error);
    }
  };
}

/** Asking a Proxy what it is an instance of runs its trap, which may throw. */
function isOurs(cause: unknown): cause is InvalidMessageError {
  return !types.isProxy(cause) && cause instanceof InvalidMessageError;
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
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

/**
 * The messages of calls. They are arrays of plain data, so that every codec carries them, JSON too. `docs/protocol.md` has the
 * rules: who may send which one when, and what ids mean.
 *
 * @module
 */

import { type CarriedContext } from '@aiopipe/core/internal';

/** Call a method (a name) or a function that came with a call (its number). */
export const CALL = 1;
/** The call returned. For a generator: it has ended. */
export const RESULT = 2;
/** The call threw. */
export const ERROR = 3;
/** The call returned a generator: its items follow as they are asked for. */
export const STREAM = 4;
/** One item of a generator. */
export const ITEM = 5;
/** The caller no longer waits, or takes no more items. */
export const CANCEL = 6;
/** The caller takes so many more items. */
export const CREDIT = 7;
/** The callee keeps a function after the end of its call. */
export const RETAIN = 8;
/** The callee no longer keeps it. */
export const RELEASE = 9;

/** The position of a function: the index of an argument, or the index of an object and the key in it; then its number. */
export type FunctionPlace = readonly [index: number, id: number] | readonly [index: number, key: string, id: number];

export type Message =
  | readonly [
      kind: typeof CALL,
      id: number,
      target: string | number,
      args: readonly unknown[],
      functions?: readonly FunctionPlace[],
      context?: CarriedContext,
    ]
  /** Without `value` for undefined, which JSON lacks. */
  | readonly [kind: typeof RESULT, id: number, value?: unknown]
  | readonly [kind: typeof ERROR, id: number, error: unknown]
  | readonly [kind: typeof STREAM, id: number]
  | readonly [kind: typeof ITEM, id: number, value?: unknown]
  | readonly [kind: typeof CANCEL, id: number, reason?: unknown]
  | readonly [kind: typeof CREDIT, id: number, count: number]
  | readonly [kind: typeof RETAIN, functionId: number]
  | readonly [kind: typeof RELEASE, functionId: number];

/** The most functions in the arguments of one call. Each takes far more memory than its bytes on the wire. */
export const MOST_FUNCTIONS = 1000;

/** Whether a value is an id: a whole number from 1. */
export function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

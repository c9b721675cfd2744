/**
 * What a pool and its workers say to each other, in arrays: every task pays for the shape of its messages.
 *
 * A worker does one task at a time and both sides count them from 1, so that only a cancellation must name its task: it
 * may cross with the answer.
 *
 * @module
 */

/** Call the target. */
export const CALL = 1;
/** Call it, and send on what it yields, one by one. */
export const STREAM = 2;
/** Whoever asked no longer wants to know. */
export const CANCEL = 3;

export type Ask =
  | readonly [kind: typeof CALL | typeof STREAM, args: readonly unknown[]]
  | readonly [kind: typeof CANCEL, task: number, reason: unknown];

/** The target is there, and tasks may come. */
export const READY = 1;
/** The task returned; a stream has ended. */
export const VALUE = 2;
/** The task threw. */
export const ERROR = 3;
/** One more of a stream. */
export const ITEM = 4;

/** `isLarge`: the worker holds more memory than it may. Left out where it does not. */
export type Answer =
  | readonly [kind: typeof VALUE | typeof ERROR, value: unknown, isLarge?: boolean]
  | readonly [kind: typeof ITEM, item: unknown]
  | readonly [kind: typeof READY];

/**
 * What a pool and its workers say to each other, in arrays: every task pays for the shape of its messages.
 *
 * A worker does its tasks one by one in the order in which they come, so that an answer is always the first outstanding
 * one's. Both sides number the tasks that are sent, from 0. Before one is sent, its number is put into the pipe of the
 * claims (see `pool-claims.ts`); a worker does what it claims there, and leaves out what comes before that. The number of a
 * task that could not be sent is the next one's.
 *
 * @module
 */

/** Call the target. */
export const CALL = 1;
/** Call it, and send on what it yields, one by one. */
export const STREAM = 2;
/** Whoever asked no longer wants to know. */
export const CANCEL = 4;

export type TaskKind = typeof CALL | typeof STREAM;

export type Ask =
  | readonly [kind: TaskKind, args: readonly unknown[]]
  /** The reason is serialized, so that one which can't be read here isn't taken for a task. */
  | readonly [kind: typeof CANCEL, number: number, reason: Buffer];

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

/**
 * The messages between a pool and its workers. They are arrays, because every task pays for the shape of its messages. The
 * rules, who may say what and when, are in `docs/protocol.md`; `slot.ts` holds the workers to them.
 *
 * Both sides number the orders that are sent to a worker, from 0. An answer carries the number of what it answers. Before an
 * order is sent, its number is put into the pipe of the claims (see `claims.ts`). A worker does what it claims there,
 * one by one, and leaves out what comes before that. The number of an order that could not be sent is the next one's.
 *
 * @module
 */

import { type CarriedContext } from '@aiopipe/core/internal';

/** Call the target. */
export const CALL = 1;
/** Call the target, and send the items that it yields, one by one. */
export const STREAM = 2;
/** The caller no longer waits. */
export const CANCEL = 4;
/** Names a target that later orders call. */
export const TARGET = 6;
/** All orders before this message that were not begun are void: their numbers were taken out of the claims. */
export const TAKEN = 5;

export type TaskKind = typeof CALL | typeof STREAM;

export type Ask =
  /**
   * `target` is the number of the target. Left out if it is 0, the target that was given to `new Pool()`, unless the context of
   * the call follows.
   */
  | readonly [kind: TaskKind, args: readonly unknown[], target?: number, context?: CarriedContext]
  | readonly [kind: typeof TARGET, number: number, url: string, name: string]
  /** The reason is serialized: if it cannot be read in the worker, it is not taken for a task. */
  | readonly [kind: typeof CANCEL, number: number, reason: Buffer]
  | readonly [kind: typeof TAKEN];

/** The target is loaded, and orders may come. */
export const READY = 1;
/** The task returned; a stream has ended. */
export const VALUE = 2;
/** The task threw. */
export const ERROR = 3;
/** One item of a stream. */
export const ITEM = 4;
/** A {@link TAKEN} was heard. */
export const HEARD = 5;

export type Answer =
  /** `isLarge`: the worker holds more memory than `maxRss`. Left out if it does not. */
  | readonly [kind: typeof VALUE, number: number, value: unknown, isLarge?: boolean]
  /** The error is serialized: if it cannot be read here, the message still ends the task. */
  | readonly [kind: typeof ERROR, number: number, error: Buffer, isLarge?: boolean]
  | readonly [kind: typeof ITEM, number: number, item: unknown]
  | readonly [kind: typeof READY]
  | readonly [kind: typeof HEARD];

/** Returns a worker's message, which may be any value, if it has the form of an answer. */
export function readAnswer(message: unknown): Answer | undefined {
  return Array.isArray(message) && isAnswer(message) ? (message as readonly unknown[] as Answer) : undefined;
}

function isAnswer(message: readonly unknown[]): boolean {
  const { length } = message;
  switch (message[0]) {
    case VALUE:
      return typeof message[1] === 'number' && (length === 3 || (length === 4 && typeof message[3] === 'boolean'));
    case ITEM:
      return typeof message[1] === 'number' && length === 3;
    case ERROR:
      return (
        typeof message[1] === 'number' &&
        Buffer.isBuffer(message[2]) &&
        (length === 3 || (length === 4 && typeof message[3] === 'boolean'))
      );
    case READY:
    case HEARD:
      return length === 1;
    default:
      return false;
  }
}

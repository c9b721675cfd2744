/**
 * What a machine tells the caller of a task, in the header `Aiopipe-Kind`: `result` and `error` settle the task, `item` is one
 * item of its stream, `end` the end of the stream.
 */
export type AnswerKind = 'result' | 'error' | 'item' | 'end';

export function isAnswerKind(kind: string | undefined): kind is AnswerKind {
  return kind === 'result' || kind === 'error' || kind === 'item' || kind === 'end';
}

/** The kinds of tasks: one result, or a stream of items. */
export type TaskKind = 'run' | 'stream';

/** How many items a machine may send before the caller has taken them. */
export const WINDOW = 16;

/**
 * A task that no machine could finish, as the channel `dead-letters` of the cluster has it.
 *
 * @see the example of {@link Machine}
 */
export interface DeadTask {
  readonly id: string;
  /** The name that the task was sent to. */
  readonly target: string;
  readonly version: string;
  /** The arguments; undefined if they cannot be decoded. */
  readonly args: readonly unknown[] | undefined;
  /** How often the task was delivered. */
  readonly attempts: number;
  /** The machine that gave up. */
  readonly machine: string;
  /** Why, in words. */
  readonly reason: string;
}

/** The name of the queue of {@link DeadTask}. */
export const DEAD_LETTERS = 'dead-letters';

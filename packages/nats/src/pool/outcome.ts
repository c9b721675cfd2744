import { type AnswerKind } from '../task/answers.js';

/** One message of a machine about a task. */
export interface Answer {
  readonly kind: AnswerKind;
  readonly data: Uint8Array;
  /** The name of the object that has the bytes. */
  readonly object: string | undefined;
  readonly machine: string | undefined;
  readonly attempt: string;
  /** The number of an item, or how many there were. */
  readonly item: number;
  /** The subject on which the machine takes credits. */
  readonly credits: string | undefined;
}

/** Who has answered a task. */
export interface Answered {
  readonly machine?: string | undefined;
  /** How often the task had been delivered to a machine then. */
  readonly attempts?: number | undefined;
}

export function answeredBy({ machine, attempt }: Answer): Answered {
  const attempts = Number(attempt.split('.')[1]);
  return { machine, attempts: Number.isSafeInteger(attempts) && attempts > 0 ? attempts : undefined };
}

/** A task whose caller waits. */
export interface WaitingTask {
  /** Who has answered it first. */
  readonly answered: Answered;
  /** Takes an answer. Returns false if it is not wanted. */
  take(answer: Answer): boolean;
  /** No answer can come any more. */
  fail(error: Error): void;
}

/** The answer of a task that has none. */
export const UNANSWERED: Answered = {};

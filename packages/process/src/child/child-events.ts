import { type TracedMessage } from '@aiopipe/core';
import { diagnosticsChannel, Traced, within } from '@aiopipe/core/internal';

/** The message of the TracingChannel `aiopipe:child.run`: a child process calls its function. Published in the child. */
export interface ChildRun extends TracedMessage {
  /** The name of the child process. */
  readonly name: string;
  readonly target: { readonly url: string; readonly name: string };
}

export const childRun = new Traced<ChildRun>('aiopipe:child.run');

/** The message of the channel `aiopipe:child.end`: the child's function is over, and the process is about to exit. Published in the child. */
export interface ChildEnd {
  /** The name of the child process. */
  readonly name: string;
  /** The process exits when the promise has settled, or two seconds later: for what must still be sent. */
  waitUntil(done: PromiseLike<unknown>): void;
}

const ends = diagnosticsChannel('aiopipe:child.end');

/** Milliseconds that a child's exit waits for the last work of subscribers: a monitor may be unreachable. */
const LAST_WORK = 2000;

/** Publishes the end. Resolves when subscribers have done their last work, or have had the time for it. */
export async function publishEnd(name: string): Promise<void> {
  if (!ends.hasSubscribers) return;
  const waiting: PromiseLike<unknown>[] = [];
  ends.publish({ name, waitUntil: (done) => waiting.push(done) } satisfies ChildEnd);
  await within(Promise.allSettled(waiting), LAST_WORK);
}

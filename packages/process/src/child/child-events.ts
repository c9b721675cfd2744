import { type TracedMessage } from '@aiopipe/core';
import { diagnosticsChannel, Traced, within } from '@aiopipe/core/internal';

/**
 * The message of the TracingChannel `aiopipe:child.run`: a child process calls its function. Published in the child.
 *
 * @example
 * ```ts
 * import { channel } from 'node:diagnostics_channel';
 * import { isChild, startProcess, target, type ChildRun } from '@aiopipe/process';
 *
 * export const work = target(import.meta.url, 'work', () => {});
 *
 * channel('tracing:aiopipe:child.run:start').subscribe((message) => {
 *   const { name, target } = message as ChildRun;
 *   console.log(name, target.name);
 * });
 * if (!isChild()) await startProcess(work, { name: 'worker' }).join();
 * ```
 * ```text
 * worker work
 * ```
 */
export interface ChildRun extends TracedMessage {
  /** The name of the child process. */
  readonly name: string;
  readonly target: { readonly url: string; readonly name: string };
}

export const childRun = new Traced<ChildRun>('aiopipe:child.run');

/**
 * The message of the channel `aiopipe:child.end`: the child's function is over, and the process is about to exit. Published in the child.
 *
 * @example
 * ```ts
 * import { subscribe } from 'node:diagnostics_channel';
 * import { setTimeout as sleep } from 'node:timers/promises';
 * import { isChild, startProcess, target, type ChildEnd } from '@aiopipe/process';
 *
 * export const work = target(import.meta.url, 'work', () => {});
 *
 * subscribe('aiopipe:child.end', (message) => {
 *   const sent = sleep(10).then(() => console.log('sent'));
 *   (message as ChildEnd).waitUntil(sent); // the child exits after it
 * });
 * if (!isChild()) await startProcess(work).join();
 * ```
 * ```text
 * sent
 * ```
 */
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

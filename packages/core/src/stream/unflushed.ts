import { now } from '../wait/saved-globals.js';

/** A writer that has accepted bytes which the kernel has not taken yet. */
export interface Unflushed {
  drain(): Promise<void>;
  /** Blocks the thread until the kernel has the bytes, or until `now()` reaches the deadline. */
  flushBlocking(deadline: number): void;
}

const UNFLUSHED = Symbol.for('@aiopipe/unflushed');

/** All such writers of this thread, of all copies of the package. A child process flushes them before it exits. */
export const unflushed: Set<Unflushed> = ((globalThis as { [UNFLUSHED]?: Set<Unflushed> })[UNFLUSHED] ??= new Set());

/** Resolves when no writer has unflushed bytes, or it has failed. */
export async function flushAll(): Promise<void> {
  await Promise.allSettled([...unflushed].map((writer) => writer.drain()));
}

/** Flushes all writers while the event loop does not run. Gives up after `milliseconds`. */
export function flushAllBlocking(milliseconds: number): void {
  if (unflushed.size === 0) return;
  const deadline = now() + milliseconds;
  for (const writer of [...unflushed]) writer.flushBlocking(deadline);
}

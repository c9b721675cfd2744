import { now } from '../wait/taken.js';

/** What has accepted bytes that the kernel has not taken yet. */
export interface Unflushed {
  drain(): Promise<void>;
  /** Blocks the thread while the kernel takes them, until `now()` has come to the deadline. */
  flushBlocking(deadline: number): void;
}

const UNFLUSHED = Symbol.for('@aiopipe/unflushed');

/** All of this thread's, of every copy of the package: a child process flushes them before it ends. */
export const unflushed: Set<Unflushed> = ((globalThis as { [UNFLUSHED]?: Set<Unflushed> })[UNFLUSHED] ??= new Set());

/** Resolves when nothing holds bytes any more; what failed doesn't count. */
export async function flushAll(): Promise<void> {
  await Promise.allSettled([...unflushed].map((writer) => writer.drain()));
}

/** The same where the event loop goes round no more; whatever is stuck for so many milliseconds is given up. */
export function flushAllBlocking(milliseconds: number): void {
  if (unflushed.size === 0) return;
  const deadline = now() + milliseconds;
  for (const writer of [...unflushed]) writer.flushBlocking(deadline);
}

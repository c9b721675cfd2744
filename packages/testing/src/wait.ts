import { WAIT_LIMIT } from './limits.js';

/**
 * Resolves once `condition` holds: looked at again every few milliseconds, for what sends no event (a process of
 * another's that ends, the garbage collector). Rejects after `limit` ms, naming what was awaited.
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limit = WAIT_LIMIT,
): Promise<void> {
  const end = Date.now() + limit;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited ${String(limit)} ms, and still not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/**
 * Waits for `condition` without leaving the turn, so that no timer fires and no event arrives meanwhile: for a test of a limit that
 * passes after other processes have done something. Throws as `until()` rejects.
 */
export function blockUntil(what: string, condition: () => boolean): void {
  const end = Date.now() + WAIT_LIMIT;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited ${String(WAIT_LIMIT)} ms, and still not: ${what}`);
    // The other processes may need the core.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
}

/** Collects garbage, and gives finalizers their turn. Needs `--expose-gc`, which the vitest preset sets. */
export async function collectGarbage(): Promise<void> {
  const gc = (globalThis as { gc?: () => void }).gc;
  if (!gc) throw new Error('start with --expose-gc');
  for (let round = 0; round < 3; round++) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

import { AiopipeError } from '@aiopipe/core';

const CONTEXT = Symbol.for('@aiopipe/process.workerContext');

interface Holder {
  [CONTEXT]?: { readonly value: unknown };
}

/** Sets what {@link workerContext} returns, for all copies of the package. */
export function setWorkerContext(value: unknown): void {
  (globalThis as Holder)[CONTEXT] = { value };
}

/**
 * Returns what the pool's `setup` returned in this worker. Throws `ERR_AIOPIPE_NO_CHILD` in any other process, and in a worker
 * of a pool without `setup`.
 *
 * @example
 * ```ts
 * import { isChild, Pool, target, workerContext } from '@aiopipe/process';
 *
 * export const open = target(import.meta.url, 'open', () => new Map([[7, 'a lamp']])); // a connection, say
 * export const find = target(import.meta.url, 'find', (id: number) => workerContext<Map<number, string>>().get(id));
 *
 * if (!isChild()) {
 *   await using pool = new Pool(find, { size: 1, setup: open });
 *   console.log(await pool.run(7));
 * }
 * ```
 * ```text
 * a lamp
 * ```
 */
export function workerContext<Context>(): Context {
  const holder = (globalThis as Holder)[CONTEXT];
  if (holder !== undefined) return holder.value as Context;
  throw new AiopipeError(
    'ERR_AIOPIPE_NO_CHILD',
    'workerContext() was called outside the workers of a pool with the option setup: call it in a task of such a pool',
  );
}

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
 * ```ts
 * export const find = target(import.meta.url, 'find', (id: number) => workerContext<Database>().find(id));
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

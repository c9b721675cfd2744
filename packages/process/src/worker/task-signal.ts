const CURRENT = Symbol.for('@aiopipe/process.task');

/** The task that this process runs. It runs one at a time, so the task need not be followed through asynchronous calls. */
export class RunningTask {
  #controller: AbortController | undefined;
  #reason: unknown;
  isCancelled = false;

  constructor(readonly number: number) {}

  /** Made at the first use: most tasks never ask for it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.isCancelled) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  cancel(reason: unknown): void {
    this.isCancelled = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}

interface Current {
  task: { readonly signal: AbortSignal } | undefined;
}

/** One for this process, for all copies of the package. */
export const current: Current = ((globalThis as { [CURRENT]?: Current })[CURRENT] ??= { task: undefined });

/**
 * Returns the signal of the pool's task that this process runs. It is aborted, with the reason, when the caller no longer
 * waits for the task. A task that goes on is killed with its worker after the pool's `cancelGrace`.
 *
 * Call it before the first `await`: code that goes on after its task has ended would get the signal of the next task. Outside
 * of a pool's task the signal never aborts, so that the same function can be called anywhere.
 *
 * A signal that was aborted before tells its listeners nothing: look at `aborted` before you listen for `abort`.
 *
 * @example
 * ```ts
 * import { setTimeout as sleep } from 'node:timers/promises';
 * import { isChild, Pool, target, taskSignal } from '@aiopipe/process';
 *
 * export const wait = target(import.meta.url, 'wait', (ms: number) => sleep(ms, 'done', { signal: taskSignal() }));
 *
 * if (!isChild()) {
 *   await using pool = new Pool(wait, { size: 1 });
 *   await pool.run(0);
 *   await pool.with({ timeout: 10 }).run(60_000).catch((error) => console.log(error.name));
 *   console.log(await pool.run(0)); // by the same worker
 * }
 * ```
 * ```text
 * TimeoutError
 * done
 * ```
 */
export function taskSignal(): AbortSignal {
  return current.task?.signal ?? new AbortController().signal;
}

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
 * ```ts
 * export const load = target(import.meta.url, 'load', async (url: string) => fetch(url, { signal: taskSignal() }).then(…));
 * ```
 *
 * A signal that was aborted before tells its listeners nothing: look at `aborted` before you listen for `abort`.
 *
 * ```ts
 * const signal = taskSignal();
 * if (!signal.aborted) await once(signal, 'abort');
 * ```
 */
export function taskSignal(): AbortSignal {
  return current.task?.signal ?? new AbortController().signal;
}

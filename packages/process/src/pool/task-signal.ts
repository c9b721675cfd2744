const CURRENT = Symbol.for('@aiopipe/process.task');

/** The task that this process is at. It does one at a time, so that it need not be followed through asynchronous calls. */
export class RunningTask {
  #controller: AbortController | undefined;
  #reason: unknown;
  isCancelled = false;

  constructor(readonly number: number) {}

  /** Made when somebody asks: most tasks never do. */
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

/** Of this process, whichever copy of the package asks. */
export const current: Current = ((globalThis as { [CURRENT]?: Current })[CURRENT] ??= { task: undefined });

/**
 * The signal of the task of a Pool that this process is at: aborted, with the reason, when whoever asked for the task no
 * longer wants it. A task that heeds it ends in its own way; one that goes on is killed with its worker after the pool's
 * `cancelGrace`.
 *
 * Ask before the first `await`: what goes on after its task has ended would get the next one's. Outside of a pool's task,
 * it is a signal that never aborts, so that the same function can be called anywhere.
 *
 * ```ts
 * export const load = target(import.meta.url, 'load', async (url: string) => fetch(url, { signal: taskSignal() }).then(…));
 * ```
 */
export function taskSignal(): AbortSignal {
  return current.task?.signal ?? new AbortController().signal;
}

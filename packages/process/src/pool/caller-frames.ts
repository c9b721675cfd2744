/**
 * The caller's frames for errors that come from another process or from a later turn. To capture them at each call would take
 * 3 µs, a third of a task. Instead V8 is asked at the failure: it knows which async function awaits the running one.
 *
 * @module
 */

/**
 * Rejects with the error. If the caller awaits the promise that this one settles, its frames are added to the error's stack.
 * They are missing if the caller does not await yet, or has attached more than one handler.
 *
 * @param isRemote - the stack is from the worker, and is kept; the frames of an error of the pool's own mean nothing to users
 */
export async function rejectWithCaller(error: unknown, isRemote: boolean): Promise<never> {
  await undefined; // V8 finds the caller by the promises' reactions, which stand only now
  if (error instanceof Error) define(error, isRemote ? error.stack : undefined, callSite(callSite));
  throw error;
}

/** Adds the frames of the async functions that await the one in which this is called. */
export function addCallerFrames(error: unknown): void {
  if (error instanceof Error) define(error, error.stack, callSite(addCallerFrames));
}

interface CallSite {
  readonly stack?: unknown;
}

/** The frames become text when `stack` is asked for: that takes much longer than to capture them. */
function callSite(below: (...args: never[]) => unknown): CallSite {
  const site: CallSite = {};
  Error.captureStackTrace(site, below);
  return site;
}

/** @param stack - what the frames are added to, unless it is the error's own */
function define(error: Error, stack: string | undefined, site: CallSite): void {
  try {
    Object.defineProperty(error, 'stack', {
      get: () => withFrames(stack ?? `${error.name}: ${error.message}`, site.stack, stack === undefined),
      set(value: unknown) {
        Object.defineProperty(this, 'stack', { value, writable: true, configurable: true });
      },
      configurable: true,
    });
  } catch {
    // Frozen: it stays as it is.
  }
}

const FRAME = '\n    at ';

function withFrames(stack: string, site: unknown, isOwn: boolean): string {
  if (typeof site !== 'string') return stack; // the program has an Error.prepareStackTrace of its own
  // Without the async function that asks, and what in Node runs it.
  const callers = site.split(FRAME).slice(2);
  const frames = callers.flatMap((frame) => (frame.includes('(node:internal/') ? [] : [FRAME, frame])).join('');
  if (frames === '' || stack.endsWith(frames)) return stack;
  return isOwn ? `${stack}${frames}` : `${stack}\n    --- called from ---${frames}`;
}

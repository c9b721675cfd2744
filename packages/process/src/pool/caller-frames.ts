/**
 * The caller's frames for errors that come from another process or from a later turn. To capture them at each call would cost
 * a third of a task's time. Instead V8 is asked at the failure: it knows which async function awaits the one that runs.
 *
 * @module
 */

/**
 * Rejects with the error. What this promise settles is awaited by the caller: its frames are added to the error's stack.
 * They are missing if nothing awaits yet.
 */
export async function rejectWithCaller(error: unknown): Promise<never> {
  await undefined; // V8 finds the caller by the promises' reactions, which stand only now
  addCallerFrames(error);
  throw error;
}

/** Adds the frames of the async functions that await the one in which this is called. */
export function addCallerFrames(error: unknown): void {
  const frames = framesBelow();
  if (frames === '' || !(error instanceof Error)) return;
  try {
    const { stack } = error;
    if (typeof stack !== 'string' || stack.endsWith(frames)) return;
    Object.defineProperty(error, 'stack', {
      value: `${stack}\n    --- called from ---${frames}`,
      writable: true,
      configurable: true,
    });
  } catch {
    // Frozen, or with a getter that throws: it stays as it is.
  }
}

const FRAME = '\n    at ';

function framesBelow(): string {
  const site: { stack?: unknown } = {};
  Error.captureStackTrace(site, addCallerFrames);
  if (typeof site.stack !== 'string') return ''; // the program has an Error.prepareStackTrace of its own
  // Without the function that asks, and what in Node runs it.
  const frames = site.stack.split(FRAME).slice(2);
  return frames.flatMap((frame) => (frame.includes('(node:internal/') ? [] : [FRAME, frame])).join('');
}

/** The stack of a call, for an error that is made after the call has returned: in the callback of a timer or a signal. */
export interface CallSite {
  readonly stack?: unknown;
}

/** Captures the stack of the caller, without the frames of `below` and of the functions that `below` called. */
export function callSite(
  below: ((...args: never[]) => unknown) | (abstract new (...args: never[]) => unknown),
): CallSite {
  const captured: CallSite = {};
  Error.captureStackTrace(captured, below);
  // Read now: V8 keeps the `this` of each frame alive until the text is made. So do the call sites that a program's own
  // Error.prepareStackTrace may make of it.
  const { stack } = captured;
  return { stack: typeof stack === 'string' ? stack : undefined };
}

/** Returns file, line and column of the call. */
export function placeOfCall({ stack }: CallSite): string {
  const frame = /\n\s+at (?:.*\()?(.*?)\)?$/m.exec(typeof stack === 'string' ? stack : '')?.[1];
  return frame ?? 'an unknown place'; // the program has its own Error.prepareStackTrace
}

/** Gives `error`, which a callback makes, the stack of the call that waits. */
export function calledFrom<Made extends Error>({ stack }: CallSite, error: Made): Made {
  const frames = typeof stack === 'string' ? stack.indexOf('\n    at ') : -1;
  if (frames < 0) return error; // the program has its own Error.prepareStackTrace
  Object.defineProperty(error, 'stack', {
    value: `${error.name}: ${error.message}${(stack as string).slice(frames)}`,
    writable: true,
    configurable: true,
  });
  return error;
}

/** Runs `make` while stacks have at most `limit` frames. If `Error` is frozen, they have as many as ever. */
export function withStackLimit<T>(limit: number, make: () => T): T {
  const before = Error.stackTraceLimit;
  // Reflect.set() returns false if Error is frozen; an assignment would throw.
  Reflect.set(Error, 'stackTraceLimit', limit);
  try {
    return make();
  } finally {
    Reflect.set(Error, 'stackTraceLimit', before);
  }
}

/**
 * The globals that tests replace (fake timers of node:test, vitest, jest). The packages take them once, when they are loaded:
 * messages must flow while a test's clock stands still.
 *
 * @module
 */

/* oxlint-disable no-restricted-properties -- this is the one place */
export const setTimeout = globalThis.setTimeout;
export const clearTimeout = globalThis.clearTimeout;
export const setInterval = globalThis.setInterval;
export const clearInterval = globalThis.clearInterval;
export const setImmediate = globalThis.setImmediate;
export const clearImmediate = globalThis.clearImmediate;
export const queueMicrotask = globalThis.queueMicrotask;
export const nextTick = process.nextTick.bind(process) as NodeJS.Process['nextTick'];
export const wallClock = Date.now.bind(Date);
const { hrtime } = process;

/**
 * Returns milliseconds of a clock that never goes back. Only differences mean something. On Node.js, `performance` would load eight
 * modules, which is a fiftieth of the start of a child process. On Deno, `hrtime()` asks the global `performance` at each call.
 */
export const now: () => number =
  process.versions['deno'] === undefined
    ? millisecondsOfHrtime
    : globalThis.performance.now.bind(globalThis.performance);
/* eslint-enable no-restricted-properties */

function millisecondsOfHrtime(): number {
  const [seconds, nanoseconds] = hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** Resolves in the event loop's next turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

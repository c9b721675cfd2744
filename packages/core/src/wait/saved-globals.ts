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
/* eslint-enable no-restricted-properties */

/**
 * Returns milliseconds of a clock that never goes back. Only differences mean something. `performance` would load eight
 * modules of Node.js, which is a fiftieth of the start of a child process.
 */
export function now(): number {
  const [seconds, nanoseconds] = hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** Resolves in the event loop's next turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

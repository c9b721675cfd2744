/**
 * Calls this with each error that ends the process because nothing caught it. It only listens, and changes nothing that Node would do.
 */
export function onUncaught(listener: (error: unknown) => void): void {
  process.on('uncaughtExceptionMonitor', listener);
  // Bun tells this event of exceptions alone. A listener of this other event that throws makes an exception of a rejection, as
  // Node.js does itself.
  if (process.versions['bun'] !== undefined && !process.execArgv.some((word) => word.startsWith(MODE))) {
    process.on('unhandledRejection', throwIfUnheard);
  }
}

/** The option for what an unhandled rejection does. */
const MODE = '--unhandled-rejections';

function throwIfUnheard(reason: unknown): void {
  // A listener of the program's own handles the rejection.
  if (process.listenerCount('unhandledRejection') === 1) throw reason;
}

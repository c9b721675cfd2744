import { constants } from 'node:os';

/**
 * Returns a signal that is aborted by SIGINT, SIGTERM or SIGHUP, and if the reader of our output has closed (`| head`). The
 * reason is the exit code.
 */
export function listenForInterruption(): AbortSignal {
  const controller = new AbortController();
  const interrupt = (exitCode: number) => {
    process.exitCode = exitCode;
    controller.abort(exitCode);
  };
  // Once: the second Ctrl-C ends this process at once, by the default action. Its children end with it.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      interrupt(128 + constants.signals[signal]);
    });
  }
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') console.error(`demo: the output cannot be written: ${error.message}`);
    interrupt(1);
  });
  return controller.signal;
}

import { constants } from 'node:os';

/**
 * Aborted when nobody wants the result any more: a signal came, or whoever reads our output has had enough of it
 * (`| head`). The reason is the exit code.
 */
export function listenForInterruption(): AbortSignal {
  const controller = new AbortController();
  const interrupt = (exitCode: number) => {
    process.exitCode = exitCode;
    controller.abort(exitCode);
  };
  // Once: at the second Ctrl-C this process ends at once, as it would without us. Its children end with it either way.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      interrupt(128 + constants.signals[signal]);
    });
  }
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') console.error(`demo: the output can't be written: ${error.message}`);
    interrupt(1);
  });
  return controller.signal;
}

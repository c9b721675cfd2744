let hasWarned = false;

/** Tells of a fault of this package, once, by a process warning: it must not end the program that it looks at. */
export function tellFault(error: unknown): void {
  if (hasWarned) return;
  hasWarned = true;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.emitWarning(`the inspector left something out: ${text}`, {
    type: 'AiopipeWarning',
    code: 'AIOPIPE_INSPECTOR_FAILED',
  });
}

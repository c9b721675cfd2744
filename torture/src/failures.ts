/** The codes with which a call fails if the process at the other side has ended. */
const LOSSES = new Set([
  'ERR_AIOPIPE_END_OF_STREAM',
  'ERR_AIOPIPE_INCOMPLETE_READ',
  'EPIPE', // BrokenPipeError has the code of the system
  'ECONNRESET',
]);

/** Whether an error says that the other side has gone. */
export function isLoss(error: unknown): boolean {
  return error instanceof Error && 'code' in error && LOSSES.has(String(error.code));
}

/** Whether an error says what has failed. An error of ours that a worker's function has thrown arrives as an Error with its code. */
export function isClear(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.message !== '';
}

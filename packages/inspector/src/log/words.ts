import type { Exit } from '@aiopipe/core';
import type { ChildExited, WorkerEnded } from '@aiopipe/process';

/** `exited with code 1`, `was killed by SIGKILL`. */
export function exitWords({ exitCode, signalCode }: Pick<Exit, 'exitCode' | 'signalCode'>): string {
  if (signalCode !== null) return `was killed by ${signalCode}`;
  return exitCode === null ? 'ended in an unknown way' : `exited with code ${String(exitCode)}`;
}

/** What a child has thrown, or else nothing: its exit says the rest. */
function causeWords(error: Error | undefined): string {
  const cause = error?.cause;
  return cause instanceof Error ? `: ${messageOf(cause)}` : '';
}

/** The message of an error; reading it may throw. */
export function messageOf(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  } catch {
    return 'an error that cannot be shown';
  }
}

const because = (error: Error | undefined): string => (error === undefined ? '' : `: ${error.message}`);

/** How a worker of a pool ended, and whether that is a failure. */
export function workerEndWords(event: WorkerEnded): { readonly what: string; readonly isFailure: boolean } {
  const { reason, error } = event;
  switch (reason) {
    case 'died':
      return { isFailure: true, what: `${exitWords(event)}${causeWords(error)}` };
    case 'broken':
      return { isFailure: true, what: `was killed because it broke the protocol of the pool${because(error)}` };
    case 'cancelled':
      return { isFailure: true, what: 'was killed because it did not end a cancelled task within cancelGrace' };
    case 'memory':
      return { isFailure: true, what: 'was killed because it held more memory than maxRss during a task' };
    case 'recycled':
      return { isFailure: false, what: 'was replaced because of maxTasks or maxRss' };
    case 'idle':
      return { isFailure: false, what: 'was ended because it had no task for idleTimeout' };
    case 'closed':
      return { isFailure: false, what: 'was ended because the pool closes' };
  }
}

/** How a supervised child ended, and whether that is a failure. */
export function childEndWords(event: ChildExited): { readonly what: string; readonly isFailure: boolean } {
  const { reason, error } = event;
  if (reason === 'hung') return { isFailure: true, what: 'was killed because it did not answer a heartbeat in time' };
  if (reason === 'shutdown') return { isFailure: false, what: 'was shut down by its supervisor' };
  const isProcess = event.pid !== undefined;
  const how = isProcess ? `${exitWords(event)}${causeWords(error)}` : `ended${because(error)}`;
  return { isFailure: error !== undefined, what: how };
}

export function restartWords({
  willRestart,
  delay,
}: {
  readonly willRestart: boolean;
  readonly delay: number;
}): string {
  if (!willRestart) return 'will not be restarted';
  return delay === 0 ? 'will be restarted at once' : `will be restarted after ${durationWords(delay)}`;
}

/** `12 ms`, `1.2 s`, `3 min 20 s`, `2 h 5 min`. */
export function durationWords(ms: number): string {
  if (ms < 1000) return `${String(Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.floor(ms / 1000);
  const [minutes, hours] = [Math.floor(seconds / 60), Math.floor(seconds / 3600)];
  return hours > 0
    ? `${String(hours)} h ${String(minutes % 60)} min`
    : `${String(minutes)} min ${String(seconds % 60)} s`;
}

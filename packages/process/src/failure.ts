import { inspect } from 'node:util';
import { type Exit } from '@aiopipe/core/internal';
import { ChildError } from './errors.js';
import { type Report } from './protocol.js';

/** With this code Node ends without having run anything: see `process` in its documentation, "Exit codes". */
const INVALID_ARGUMENT = 9;

/**
 * Why a child that has ended gave no result; undefined where it gave one.
 *
 * @param report - or, where it gave none, whether its function had been called
 */
export function failureOf(
  name: string,
  pid: number | undefined,
  report: Report | boolean,
  { exitCode, signalCode }: Exit,
): ChildError | undefined {
  const about = `process ${name} (pid ${String(pid)})`;
  const details = { pid, exitCode, signalCode };
  if (typeof report === 'boolean') {
    const when = report ? 'before its function had returned' : 'before its function was called';
    const how = howItEnded({ exitCode, signalCode }, report);
    return new ChildError('ERR_AIOPIPE_NO_RESULT', `${about} ended ${when}: ${how}`, details);
  }
  if (report.kind === 'result') return undefined;
  const cause = report.error;
  const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : inspect(cause);
  return report.kind === 'error'
    ? new ChildError('ERR_AIOPIPE_CHILD', `${about} failed: ${reason}`, { ...details, cause })
    : new ChildError('ERR_AIOPIPE_START', `${about} could not call its function: ${reason}`, { ...details, cause });
}

/** @param hasBegun - whether more than Node itself has run in it. */
export function howItEnded({ exitCode, signalCode }: Omit<Exit, 'resourceUsage'>, hasBegun: boolean): string {
  if (signalCode !== null) return `by ${signalCode}`;
  const how = `with exit code ${String(exitCode)}`;
  if (hasBegun || exitCode !== INVALID_ARGUMENT) return how;
  return `${how}, as Node does where it refuses its options (execArgv, NODE_OPTIONS); its stderr says which`;
}

import { inspect } from 'node:util';
import { type Exit } from '@aiopipe/core/internal';
import { ChildError } from './errors.js';
import { type Report } from './protocol.js';

/** Why a child that has ended gave no result; undefined where it gave one. */
export function failureOf(
  name: string,
  pid: number | undefined,
  report: Report | undefined,
  { exitCode, signalCode }: Exit,
): ChildError | undefined {
  const about = `process ${name} (pid ${String(pid)})`;
  const details = { pid, exitCode, signalCode };
  if (report === undefined) {
    const how = signalCode === null ? `with exit code ${String(exitCode)}` : `by ${signalCode}`;
    return new ChildError('ERR_AIOPIPE_NO_RESULT', `${about} ended ${how} before its function had returned`, details);
  }
  if (report.kind === 'result') return undefined;
  const cause = report.error;
  const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : inspect(cause);
  return report.kind === 'error'
    ? new ChildError('ERR_AIOPIPE_CHILD', `${about} failed: ${reason}`, { ...details, cause })
    : new ChildError('ERR_AIOPIPE_START', `${about} could not call its function: ${reason}`, { ...details, cause });
}

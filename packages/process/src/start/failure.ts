import { type Exit } from '@aiopipe/core/internal';
import { ChildError } from '../errors.js';
import { describe } from './describe.js';
import { EXIT_UNTOLD } from './protocol.js';

/** With this code Node ends without having run anything: see `process` in its documentation, "Exit codes". */
const INVALID_ARGUMENT = 9;

/** What is known, when a child has ended, of how it went. */
export type Account =
  /** It told its result. */
  | { readonly kind: 'result' }
  /** Its function threw, or something that nobody caught; its function could not be called. */
  | { readonly kind: 'error' | 'no-start'; readonly error: unknown }
  /** The conversation with it broke, and it was killed. `what` completes a sentence that begins with its name. */
  | { readonly kind: 'broken'; readonly code: ChildError['code']; readonly what: string; readonly error: unknown }
  /** It told nothing. */
  | { readonly kind: 'nothing'; readonly hasBegun: boolean };

/** Why a child that has ended gave no result; undefined if it gave one. */
export function failureOf(
  name: string,
  pid: number | undefined,
  account: Account,
  { exitCode, signalCode }: Exit,
): ChildError | undefined {
  const about = `process ${name} (pid ${String(pid)})`;
  const details = { pid, exitCode, signalCode };
  switch (account.kind) {
    case 'result':
      return undefined;
    case 'nothing': {
      const when = account.hasBegun ? 'before its function had returned' : 'before its function was called';
      const how = howItEnded({ exitCode, signalCode }, account.hasBegun);
      return new ChildError('ERR_AIOPIPE_NO_RESULT', `${about} ended ${when}: ${how}`, details);
    }
    case 'broken':
      return new ChildError(account.code, `${about} ${account.what}, and was killed`, {
        ...details,
        cause: account.error,
      });
    case 'error':
      return new ChildError('ERR_AIOPIPE_CHILD', `${about} failed: ${describe(account.error)}`, {
        ...details,
        cause: account.error,
      });
    case 'no-start':
      return new ChildError('ERR_AIOPIPE_START', `${about} could not call its function: ${describe(account.error)}`, {
        ...details,
        cause: account.error,
      });
  }
}

/** @param hasBegun - whether more than Node itself has run in it. */
export function howItEnded({ exitCode, signalCode }: Omit<Exit, 'resourceUsage'>, hasBegun: boolean): string {
  if (signalCode !== null) return `by ${signalCode}`;
  const how = `with exit code ${String(exitCode)}`;
  if (exitCode === EXIT_UNTOLD)
    return `${how}, as a child does that can't send what it has to tell; its stderr says why`;
  if (hasBegun || exitCode !== INVALID_ARGUMENT) return how;
  return `${how}, as Node does where it refuses its options (execArgv, NODE_OPTIONS); its stderr says which`;
}

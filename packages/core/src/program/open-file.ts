import { openSync } from 'node:fs';
import { constants } from 'node:os';
import { ClosedError, SystemError } from '../errors.js';
import { type FileTarget } from './stdio.js';

/**
 * Opens a file and returns its descriptor, which the caller must close. Throws {@link SystemError}.
 *
 * @param what - completes the message: `stdout of ls -l`
 */
export function openFile(file: string, flags: string, what: string): number {
  try {
    return openSync(file, flags);
  } catch (cause) {
    throw fileError(cause, 'open', `cannot open ${JSON.stringify(file)} as ${what}`, file);
  }
}

/** Returns the flags of a shell's `>>` and `>`. */
export function writingFlags({ append }: FileTarget): string {
  return append === true ? 'a' : 'w';
}

/**
 * Makes a {@link SystemError} of an error of `node:fs`, with that as its `cause`. Returns any other error as it is.
 *
 * @param about - begins the message: `cannot write stdout of parse`
 */
export function fileError(cause: unknown, syscall: string, about: string, path?: string): unknown {
  const { syscall: itsCall = syscall } = cause as NodeJS.ErrnoException;
  const errno = errnoOf(cause as NodeJS.ErrnoException);
  if (errno === undefined) return cause;
  return new SystemError(errno, itsCall, about, { cause, ...(path !== undefined && { path }) });
}

/** Some errors of Deno's `node:fs` have a code, and no errno. */
function errnoOf({ errno, code = '' }: NodeJS.ErrnoException): number | undefined {
  if (typeof errno === 'number') return errno;
  const known = (constants.errno as Readonly<Record<string, number>>)[code];
  return known === undefined ? undefined : -known;
}

/**
 * Makes a {@link ClosedError} of what a closed FileHandle rejects with.
 *
 * @param what - how messages name what it is used for: `stdout of parse`
 */
export function closedHandle(what: string, cause: unknown): ClosedError {
  return new ClosedError(`${what}: the FileHandle was closed meanwhile`, { cause });
}

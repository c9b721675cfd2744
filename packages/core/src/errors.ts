import { constants } from 'node:os';
import { getSystemErrorMap, getSystemErrorName } from 'node:util';

/**
 * Options of all errors of aiopipe.
 *
 * @example
 * ```ts
 * import { AiopipeError } from '@aiopipe/core';
 *
 * const error = new AiopipeError('ERR_SHOP_CLOSED', 'the shop is closed', { cause: 'a holiday' });
 * console.log(error.code, error.cause);
 * ```
 * ```text
 * ERR_SHOP_CLOSED a holiday
 * ```
 */
export interface AiopipeErrorOptions {
  /** The error that was caught, or the reason that was given. */
  cause?: unknown;
}

/**
 * The base of all errors of aiopipe. Match on `code`, which is stable: `ERR_AIOPIPE_…`, or the system's name of the error
 * (`EPIPE`, `EMFILE`, `ENOENT`).
 *
 * @example
 * ```ts
 * import { AiopipeError, ReadEnd } from '@aiopipe/core';
 *
 * try {
 *   ReadEnd.fromFd(1000);
 * } catch (error) {
 *   if (!(error instanceof AiopipeError)) throw error; // a fault of the program, such as a TypeError
 *   console.log(error.name, error.code);
 * }
 * ```
 * ```text
 * SystemError EBADF
 * ```
 */
export class AiopipeError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options: AiopipeErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
  }

  static {
    nameErrors(this);
  }
}

/**
 * Your error: the end or stream was closed before this call. `code` is `ERR_AIOPIPE_CLOSED`.
 *
 * @example
 * ```ts
 * import { aiopipe, ClosedError } from '@aiopipe/core';
 *
 * const [rx, tx] = aiopipe();
 * rx.close();
 * tx.close();
 * try {
 *   tx.close();
 * } catch (error) {
 *   if (!(error instanceof ClosedError)) throw error;
 *   console.log(error.code);
 * }
 * ```
 * ```text
 * ERR_AIOPIPE_CLOSED
 * ```
 */
export class ClosedError extends AiopipeError {
  constructor(message: string, options?: AiopipeErrorOptions) {
    super('ERR_AIOPIPE_CLOSED', message, options);
  }

  static {
    nameErrors(this);
  }
}

/**
 * Your error: the end has moved; the message says where. `code` is `ERR_AIOPIPE_MOVED`.
 *
 * @example
 * ```ts
 * import { aiopipe, MovedError } from '@aiopipe/core';
 * import { popen } from '@aiopipe/subprocess';
 *
 * const [rx, tx] = aiopipe();
 * await using program = popen(['echo', 'hello'], { stdout: tx });
 * using reader = rx.open();
 * try {
 *   tx.open(); // the program has it
 * } catch (error) {
 *   if (!(error instanceof MovedError)) throw error;
 *   console.log(error.code);
 * }
 * await program.wait();
 * ```
 * ```text
 * ERR_AIOPIPE_MOVED
 * ```
 */
export class MovedError extends ClosedError {
  override readonly code = 'ERR_AIOPIPE_MOVED';

  static {
    nameErrors(this);
  }
}

/**
 * Your error: another call on the same end still waits. `code` is `ERR_AIOPIPE_BUSY`.
 *
 * @example
 * ```ts
 * import { aiopipe, BusyError } from '@aiopipe/core';
 *
 * const [rx, tx] = aiopipe();
 * using reader = rx.open();
 * const line = reader.readLine();
 * try {
 *   await reader.readLine(); // one call reads at a time
 * } catch (error) {
 *   if (!(error instanceof BusyError)) throw error;
 *   console.log(error.code);
 * }
 * tx.close();
 * await line;
 * ```
 * ```text
 * ERR_AIOPIPE_BUSY
 * ```
 */
export class BusyError extends AiopipeError {
  constructor(message: string, options?: AiopipeErrorOptions) {
    super('ERR_AIOPIPE_BUSY', message, options);
  }

  static {
    nameErrors(this);
  }
}

/**
 * The `timeout` of a call has passed. No byte was lost. `code` is `ERR_AIOPIPE_TIMEOUT`.
 *
 * @example
 * ```ts
 * import { aiopipe, TimeoutError } from '@aiopipe/core';
 *
 * const [rx, tx] = aiopipe();
 * using reader = rx.open();
 * try {
 *   await reader.readLine({ timeout: 10 });
 * } catch (error) {
 *   if (!(error instanceof TimeoutError)) throw error;
 *   console.log(error.code); // the next read gets the bytes
 * }
 * tx.close();
 * ```
 * ```text
 * ERR_AIOPIPE_TIMEOUT
 * ```
 */
export class TimeoutError extends AiopipeError {
  constructor(message: string, options?: AiopipeErrorOptions) {
    super('ERR_AIOPIPE_TIMEOUT', message, options);
  }

  static {
    nameErrors(this);
  }
}

/**
 * The `signal` of a call was aborted; `cause` is its reason. `code` is `ABORT_ERR`, as in Node.js.
 *
 * @example
 * ```ts
 * import { AbortError, aiopipe } from '@aiopipe/core';
 *
 * const [rx, tx] = aiopipe();
 * using reader = rx.open();
 * try {
 *   await reader.readLine({ signal: AbortSignal.abort('shutting down') });
 * } catch (error) {
 *   if (!(error instanceof AbortError)) throw error;
 *   console.log(error.code, error.cause);
 * }
 * tx.close();
 * ```
 * ```text
 * ABORT_ERR shutting down
 * ```
 */
export class AbortError extends AiopipeError {
  constructor(message = 'The operation was aborted', options?: AiopipeErrorOptions) {
    super('ABORT_ERR', message, options);
  }

  static {
    nameErrors(this);
  }
}

/**
 * The peer's error: the stream ended before all bytes of a read had come. `code` is `ERR_AIOPIPE_INCOMPLETE_READ`.
 *
 * @example
 * ```ts
 * import { aiopipe, IncompleteReadError } from '@aiopipe/core';
 *
 * const [rx, tx] = aiopipe();
 * using reader = rx.open();
 * const writer = tx.open();
 * await writer.write('only this');
 * await writer.close();
 * try {
 *   await reader.readExactly(100);
 * } catch (error) {
 *   if (!(error instanceof IncompleteReadError)) throw error;
 *   console.log(`${String(error.partial)}: ${error.partial.length} of ${error.expected} bytes`);
 * }
 * ```
 * ```text
 * only this: 9 of 100 bytes
 * ```
 */
export class IncompleteReadError extends AiopipeError {
  /** The bytes that had come. */
  readonly partial: Buffer;
  /** The number of bytes that the read asked for; undefined if it asked for a separator. */
  readonly expected: number | undefined;

  constructor(message: string, partial: Buffer, expected?: number) {
    super('ERR_AIOPIPE_INCOMPLETE_READ', message);
    this.partial = partial;
    this.expected = expected;
  }

  static {
    nameErrors(this);
  }
}

/**
 * The peer's error: a line is longer than `maxLineLength`. No byte was lost. `code` is `ERR_AIOPIPE_LINE_TOO_LONG`.
 *
 * @example
 * ```ts
 * import { aiopipe, LineTooLongError } from '@aiopipe/core';
 *
 * const [rx, tx] = aiopipe();
 * using reader = rx.open({ maxLineLength: 10 });
 * const writer = tx.open();
 * await writer.write('a line without an end');
 * await writer.close();
 * try {
 *   await reader.readLine();
 * } catch (error) {
 *   if (!(error instanceof LineTooLongError)) throw error;
 *   console.log(error.maxLineLength, String(await reader.read()));
 * }
 * ```
 * ```text
 * 10 a line without an end
 * ```
 */
export class LineTooLongError extends AiopipeError {
  /** The limit in bytes. */
  readonly maxLineLength: number;
  /** The bytes that were taken from the stream; undefined if `read()` still gets them. */
  readonly partial: Buffer | undefined;

  constructor(message: string, maxLineLength: number, partial?: Buffer) {
    super('ERR_AIOPIPE_LINE_TOO_LONG', message);
    this.maxLineLength = maxLineLength;
    this.partial = partial;
  }

  static {
    nameErrors(this);
  }
}

/**
 * The peer's error: the reader has closed. `code` is `EPIPE`.
 *
 * @example
 * ```ts
 * import { aiopipe, BrokenPipeError } from '@aiopipe/core';
 *
 * const [rx, tx] = aiopipe();
 * const writer = tx.open();
 * rx.close();
 * try {
 *   await writer.write('hello');
 *   await writer.close(); // a failed write is told here at the latest
 * } catch (error) {
 *   if (!(error instanceof BrokenPipeError)) throw error;
 *   console.log('the reader has closed:', error.code);
 * }
 * ```
 * ```text
 * the reader has closed: EPIPE
 * ```
 */
export class BrokenPipeError extends AiopipeError {
  readonly errno: number;
  readonly syscall: string;

  constructor(message: string, options: AiopipeErrorOptions & { errno?: number; syscall?: string } = {}) {
    super('EPIPE', message, options);
    this.errno = options.errno ?? -32;
    this.syscall = options.syscall ?? 'write';
  }

  static {
    nameErrors(this);
  }
}

/**
 * A system call failed. `code` is the system's name for it (`EMFILE`), with `errno` (negative) and `syscall`.
 *
 * @example
 * ```ts
 * import { SystemError } from '@aiopipe/core';
 * import { popen } from '@aiopipe/subprocess';
 *
 * try {
 *   popen(['no-such-program']);
 * } catch (error) {
 *   if (!(error instanceof SystemError)) throw error;
 *   console.log(error.code, error.path);
 * }
 * ```
 * ```text
 * ENOENT no-such-program
 * ```
 */
export class SystemError extends AiopipeError {
  readonly errno: number;
  readonly syscall: string;
  /** The file of the call, if there was one. */
  readonly path: string | undefined;

  constructor(errno: number, syscall: string, about: string, options: AiopipeErrorOptions & { path?: string } = {}) {
    const code = errnoName(errno);
    super(code, `${about}: ${code}: ${describeErrno(errno, code, syscall)}, ${syscall}`, options);
    this.errno = errno;
    this.syscall = syscall;
    this.path = options.path;
  }

  static {
    nameErrors(this);
  }
}

/** Sets `name` on the prototype, as the built-in errors have it: it is no own field of each error. */
export function nameErrors(constructor: { name: string; prototype: Error }): void {
  Object.defineProperty(constructor.prototype, 'name', {
    value: constructor.name,
    writable: true,
    configurable: true,
    enumerable: false,
  });
}

/** unix(7) returns it; neither libuv nor Node.js has a name for it. */
const namelessOnLinux: Record<number, string> = { 109: 'ETOOMANYREFS' };

/** libuv has no name for some errors of execve(2), such as ENOEXEC. Deno returns undefined for these. */
function errnoName(errno: number): string {
  const name = (getSystemErrorName(errno) as string | undefined) ?? `Unknown system error ${String(errno)}`;
  if (!name.startsWith('Unknown')) return name;
  const known = Object.entries(constants.errno).find(([, number]) => number === -errno)?.[0];
  return known ?? (process.platform === 'linux' ? namelessOnLinux[-errno] : undefined) ?? name;
}

/** Texts that say more than the system's own words. */
const remedies: Record<string, string> = {
  EMFILE: 'this process has too many open files (raise `ulimit -n`, or close what is not used)',
  ENFILE: 'the system has too many open files',
  EAGAIN: 'the system cannot give another process or more memory now (see `ulimit -u`)',
  E2BIG: 'the arguments and the environment are too long',
  ENOEXEC: 'the file is not a program that the system can execute (a script needs a #! line)',
  ETOOMANYREFS: 'too many descriptors are on their way to other processes (raise `ulimit -n`, or send fewer at once)',
  ECONNRESET: 'the peer closed before it had read all bytes',
};

const WATCHED =
  'another stream of this thread, or Node.js itself, already waits for this descriptor (a socket or server of `node:net`, say); ' +
  'only one can: close the other one first, or use a duplicate of the descriptor';

function describeErrno(errno: number, code: string, syscall: string): string {
  // Of files the system says it well: "file already exists".
  if (code === 'EEXIST' && syscall === 'poll') return WATCHED;
  return remedies[code] ?? getSystemErrorMap().get(errno)?.[1] ?? `system error ${String(-errno)}`;
}

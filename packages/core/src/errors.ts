import { constants } from 'node:os';
import { getSystemErrorMap, getSystemErrorName } from 'node:util';

/** What every error of aiopipe may carry beside its message. */
export interface AiopipeErrorOptions {
  /** What was caught, or given as a reason. */
  cause?: unknown;
}

/**
 * What all errors of aiopipe extend. Match on `code`, which is stable: `ERR_AIOPIPE_…`, or the name of the failed
 * system call's error (`EPIPE`, `EMFILE`, `ENOENT`).
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

/** Yours: the end or stream was closed before this call. `code` is `ERR_AIOPIPE_CLOSED`. */
export class ClosedError extends AiopipeError {
  constructor(message: string, options?: AiopipeErrorOptions) {
    super('ERR_AIOPIPE_CLOSED', message, options);
  }

  static {
    nameErrors(this);
  }
}

/** Yours: the end was handed on; the message says where it went. `code` is `ERR_AIOPIPE_MOVED`. */
export class MovedError extends ClosedError {
  override readonly code = 'ERR_AIOPIPE_MOVED';

  static {
    nameErrors(this);
  }
}

/** Yours: another call on the same end is still at work. `code` is `ERR_AIOPIPE_BUSY`. */
export class BusyError extends AiopipeError {
  constructor(message: string, options?: AiopipeErrorOptions) {
    super('ERR_AIOPIPE_BUSY', message, options);
  }

  static {
    nameErrors(this);
  }
}

/** Time's: the `timeout` of a call ran out. Nothing was lost. `code` is `ERR_AIOPIPE_TIMEOUT`. */
export class TimeoutError extends AiopipeError {
  constructor(message: string, options?: AiopipeErrorOptions) {
    super('ERR_AIOPIPE_TIMEOUT', message, options);
  }

  static {
    nameErrors(this);
  }
}

/** Yours: the call's `signal` was aborted; `cause` is its reason. `code` is `ABORT_ERR`, as in Node's own APIs. */
export class AbortError extends AiopipeError {
  constructor(message = 'The operation was aborted', options?: AiopipeErrorOptions) {
    super('ABORT_ERR', message, options);
  }

  static {
    nameErrors(this);
  }
}

/** The peer's: the stream ended before as much had come as was asked for. `code` is `ERR_AIOPIPE_INCOMPLETE_READ`. */
export class IncompleteReadError extends AiopipeError {
  /** What had come. */
  readonly partial: Buffer;
  /** How many bytes were asked for; undefined where it was a separator. */
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

/** The peer's: a line is longer than `maxLineLength`. Nothing of it was lost. `code` is `ERR_AIOPIPE_LINE_TOO_LONG`. */
export class LineTooLongError extends AiopipeError {
  /** The limit that it is over, in bytes. */
  readonly maxLineLength: number;
  /** What was taken from the stream and not given; undefined if it is still there for `read()`. */
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

/** The peer's: the reader of what was written is gone. `code` is `EPIPE`. */
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

/** A system call failed. `code` is the system's name for it (`EMFILE`), with `errno` (negative) and `syscall`. */
export class SystemError extends AiopipeError {
  readonly errno: number;
  readonly syscall: string;
  /** The file that the call was about, where there was one. */
  readonly path: string | undefined;

  constructor(errno: number, syscall: string, about: string, options: AiopipeErrorOptions & { path?: string } = {}) {
    const code = errnoName(errno);
    super(code, `${about}: ${code}: ${describeErrno(errno, code)}, ${syscall}`, options);
    this.errno = errno;
    this.syscall = syscall;
    this.path = options.path;
  }

  static {
    nameErrors(this);
  }
}

/** On the prototype, as the built-in errors have it, so that it is no own field of every error. */
export function nameErrors(constructor: { name: string; prototype: Error }): void {
  Object.defineProperty(constructor.prototype, 'name', {
    value: constructor.name,
    writable: true,
    configurable: true,
    enumerable: false,
  });
}

/** What unix(7) gives, and neither libuv nor Node has a name for. */
const namelessOnLinux: Record<number, string> = { 109: 'ETOOMANYREFS' };

/** libuv has no name for some that execve(2) gives, such as ENOEXEC. */
function errnoName(errno: number): string {
  const name = getSystemErrorName(errno);
  if (!name.startsWith('Unknown')) return name;
  const known = Object.entries(constants.errno).find(([, number]) => number === -errno)?.[0];
  return known ?? (process.platform === 'linux' ? namelessOnLinux[-errno] : undefined) ?? name;
}

/** Where there is more to say than the system's own words. */
const remedies: Record<string, string> = {
  EMFILE: 'this process has too many open files (raise `ulimit -n`, or close what is not used)',
  ENFILE: 'the system has too many open files',
  EAGAIN: 'no more processes or memory at the moment (see `ulimit -u`)',
  E2BIG: 'the arguments and the environment are too long',
  ENOEXEC: 'not a program that the system can execute (a script needs a #! line)',
  ETOOMANYREFS: 'too many descriptors are on their way to other processes (raise `ulimit -n`, or send fewer at once)',
  ECONNRESET: 'the other side closed with bytes unread',
};

function describeErrno(errno: number, code: string): string {
  return remedies[code] ?? getSystemErrorMap().get(errno)?.[1] ?? `system error ${String(-errno)}`;
}

import { AiopipeError, SystemError } from '../errors.js';
import { checkFd } from '../check/fd.js';
import { describeFd, type FdKind } from './description.js';
import { statFd } from './file-status.js';
import { READABLE, WRITABLE } from './native.js';

/** The facts of a descriptor that decide how its calls are made. */
export interface Transport {
  readonly isSocket: boolean;
  /** A pipe or a FIFO. */
  readonly isPipe: boolean;
  /** A terminal, or the master of a pseudo-terminal. */
  readonly isTerminal: boolean;
  /** The peer is on this machine: all that it wrote arrives before the news that it closed with bytes unread. */
  readonly isLocal: boolean;
  /** Other processes may have the same open file description: they must not see it in non-blocking mode, and can change it. */
  readonly isShared: boolean;
  readonly isNonblocking: boolean;
}

export const PIPE: Transport = {
  isSocket: false,
  isPipe: true,
  isTerminal: false,
  isLocal: true,
  isShared: false,
  isNonblocking: false,
};
export const LOCAL_SOCKET: Transport = {
  isSocket: true,
  isPipe: false,
  isTerminal: false,
  isLocal: true,
  isShared: false,
  isNonblocking: false,
};

/** The master of a pseudo-terminal that was made here: one descriptor, which is read and written. */
export const TERMINAL: Transport = {
  isSocket: false,
  isPipe: false,
  isTerminal: true,
  isLocal: false,
  isShared: false,
  isNonblocking: false,
};

/** Kinds that no end can be, and why. */
const REFUSED: Partial<Record<FdKind, [code: string, why: string]>> = {
  file: [
    'ERR_AIOPIPE_NOT_POLLABLE',
    'is always ready (a regular file or a device), so it cannot be polled; use node:fs for it',
  ],
  listener: [
    'ERR_AIOPIPE_WRONG_KIND',
    'is a listening socket, which accepts connections and carries no bytes; use node:net for it',
  ],
  datagram: ['ERR_AIOPIPE_WRONG_KIND', 'is a datagram socket, which carries no stream of bytes'],
};

/** Kinds that are read and written by one descriptor. */
const DUPLEX: readonly FdKind[] = ['socket', 'terminal'];

/**
 * Describes a descriptor. Throws if it is not open, cannot be polled, or is not open in these directions.
 *
 * @param duplex - the kinds that may have both directions
 */
export function inspectFd(fd: number, directions: number, what: string, duplex: readonly FdKind[] = DUPLEX): Transport {
  checkFd('fromFd', fd);
  const described = describeFd(fd);
  if (typeof described === 'number')
    throw new SystemError(described, 'fstat', `fd ${String(fd)} cannot become a ${what}`);
  const { kind, canRead, canWrite, isLocal, isNonblocking } = described;
  const refused = REFUSED[kind];
  if (refused !== undefined) throw new AiopipeError(refused[0], `fd ${String(fd)} ${refused[1]}`);
  if (directions === (READABLE | WRITABLE) && !duplex.includes(kind)) {
    throw new AiopipeError(
      'ERR_AIOPIPE_WRONG_KIND',
      `fd ${String(fd)} is not a ${duplex.join(' or a ')}: it cannot become a ${what}`,
    );
  }
  const lacksReading = directions & READABLE && !canRead;
  const lacksWriting = directions & WRITABLE && !canWrite;
  if (lacksReading || lacksWriting) {
    throw new AiopipeError(
      'ERR_AIOPIPE_WRONG_DIRECTION',
      `fd ${String(fd)} is open for ${lacksReading ? 'writing' : 'reading'} only: it cannot become a ${what}`,
    );
  }
  return {
    isSocket: kind === 'socket',
    isPipe: kind === 'pipe',
    isTerminal: kind === 'terminal',
    isLocal: kind === 'pipe' || isLocal,
    isShared: true,
    isNonblocking,
  };
}

/** /dev/ptmx on Linux: major 5, minor 2 (devices.txt). */
const PTMX = (5n << 8n) | 2n;

/**
 * Whether a descriptor is the master of a pseudo-terminal. On Linux its reads fail with EIO once no program has the
 * terminal open any more (pty(7)): the end of the stream.
 */
export function isTerminalMaster(fd: number): boolean {
  return process.platform === 'linux' && statFd(fd).rdev === PTMX;
}

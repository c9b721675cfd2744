import { AiopipeError, SystemError } from '../errors.js';
import { native, READABLE, WRITABLE } from './native.js';

/** How the calls on a descriptor are made. */
export interface Transport {
  readonly isSocket: boolean;
  /** A pipe or a FIFO. */
  readonly isPipe: boolean;
  /** Of a pair on this machine: all that the peer wrote arrives before the news that it closed with bytes unread. */
  readonly isLocal: boolean;
  /** Others may hold the same open file description: they must not see it in non-blocking mode, and can change it. */
  readonly isShared: boolean;
  readonly isNonblocking: boolean;
}

export const PIPE: Transport = { isSocket: false, isPipe: true, isLocal: true, isShared: false, isNonblocking: false };
export const LOCAL_SOCKET: Transport = {
  isSocket: true,
  isPipe: false,
  isLocal: true,
  isShared: false,
  isNonblocking: false,
};

/** Of what the binding's `describe` returns; see `native/system.h`. */
const KIND_MASK = 15;
const KIND_PIPE = 1;
const KIND_SOCKET = 2;
const KIND_FILE = 5;
const CAN_READ = 16;
const CAN_WRITE = 32;
const IS_LOCAL = 64;
const IS_NONBLOCKING = 128;

/** What a descriptor is. Throws where it isn't open, can't be waited for, or doesn't go in those directions. */
export function inspectFd(fd: number, directions: number, what: string): Transport {
  if (!Number.isInteger(fd) || fd < 0) {
    throw new TypeError(`fromFd: expected the number of a descriptor, not ${String(fd)}`);
  }
  const described = native().describe(fd);
  if (described < 0) throw new SystemError(described, 'fstat', `fd ${String(fd)} can't become a ${what}`);
  const kind = described & KIND_MASK;
  if (kind === KIND_FILE) {
    throw new AiopipeError(
      'ERR_AIOPIPE_NOT_POLLABLE',
      `fd ${String(fd)} is a file or a device that is always ready, which can't be waited for; use node:fs for it`,
    );
  }
  if (directions === (READABLE | WRITABLE) && kind !== KIND_SOCKET) {
    throw new AiopipeError('ERR_AIOPIPE_WRONG_KIND', `fd ${String(fd)} is no socket: it can't become a ${what}`);
  }
  const lacksReading = directions & READABLE && !(described & CAN_READ);
  const lacksWriting = directions & WRITABLE && !(described & CAN_WRITE);
  if (lacksReading || lacksWriting) {
    throw new AiopipeError(
      'ERR_AIOPIPE_WRONG_DIRECTION',
      `fd ${String(fd)} is open for ${lacksReading ? 'writing' : 'reading'} only: it can't become a ${what}`,
    );
  }
  return {
    isSocket: kind === KIND_SOCKET,
    isPipe: kind === KIND_PIPE,
    isLocal: kind === KIND_PIPE || (described & IS_LOCAL) !== 0,
    isShared: true,
    isNonblocking: (described & IS_NONBLOCKING) !== 0,
  };
}

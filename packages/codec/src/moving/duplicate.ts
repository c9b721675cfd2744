import { type EventEmitter } from 'node:events';
import { SystemError } from '@aiopipe/core';
import { describeFd, native, OwnedFd, show, type FdKind, type Move } from '@aiopipe/core/internal';

/** The parts of a move whose descriptor stays with libuv: what travels is a duplicate of it. */
export interface DuplicateMove {
  readonly kind: string;
  /** Returns the descriptor to duplicate. Throws if the object cannot be sent now. */
  readonly fd: () => number;
  readonly data: () => unknown;
  readonly leave: (destination: string) => void;
}

export function duplicateMove({ kind, fd, data, leave }: DuplicateMove): Move {
  let duplicate: OwnedFd | undefined;
  return {
    kind,
    check: () => void fd(),
    pack: () => {
      // First, for it may throw: a duplicate of then would have no owner that closes it.
      const packed = data();
      const number = native().duplicate(fd());
      if (number < 0) throw new SystemError(number, 'fcntl', `a ${kind} cannot be sent`);
      duplicate = new OwnedFd(number, kind);
      return { fds: [duplicate], data: packed };
    },
    undo: () => duplicate?.discard(),
    leave,
  };
}

/** Returns the one descriptor that arrived. Throws a TypeError if it is not of this kind: the peer chose it. */
export function arrived(fds: readonly number[], expected: FdKind, what: string): number {
  const [fd = -1] = fds;
  if (fds.length !== 1) throw new TypeError(`a ${what} needs one descriptor, but ${String(fds.length)} arrived`);
  const found = describeFd(fd);
  if (typeof found === 'number') throw new SystemError(found, 'fstat', `fd ${String(fd)}`);
  if (found.kind !== expected) {
    throw new TypeError(`a ${what} needs a ${expected}, but the descriptor that arrived is a ${found.kind}`);
  }
  return fd;
}

/** Checks that plain data arrived: it comes from another process. */
export function recordOf(data: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof data === 'object' && data !== null) return data as Record<string, unknown>;
  throw new TypeError(`a ${what} arrived with ${show(data)} instead of its settings`);
}

/**
 * Lets an object of Node's that arrived fail without ending the process: its peer chooses when (a reset), and the program may not know
 * of the object. 'close' still tells of it.
 */
export function mayFail<T extends EventEmitter>(object: T): T {
  return object.on('error', () => undefined);
}

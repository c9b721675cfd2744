import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { native } from '@aiopipe/core/internal';

/** Bits of `describe()`: see `native/system.h` of the core. */
const KIND = 7;
const PIPE = 1;
const TERMINAL = 3;
const READABLE = 16;
const WRITABLE = 32;
const NONBLOCKING = 128;
/** The device that is a new terminal each time it is opened (pts(4)). */
const MULTIPLEXER = 0x502;

/** A descriptor of ours as a program gets it. */
export interface LentFd {
  readonly fd: number;
  /** Once the program has it, or could not be started. */
  readonly close?: () => void;
  /** When the program has ended. */
  readonly giveBack?: () => void;
}

/**
 * Programs don't expect EAGAIN, so they must get a descriptor that blocks; but this mode belongs to the open file that
 * we share with them. So a pipe or a terminal is opened once more for the program. What can't be opened again (a socket) is
 * made blocking for as long as a program has it.
 */
export function lend(fd: number): LentFd {
  const what = native().describe(fd);
  if (what < 0) return { fd };
  if ((what & NONBLOCKING) === 0) return borrowed.has(identityOf(fd)) ? borrow(fd) : { fd };
  const own = openAgain(fd, what);
  if (own === undefined) return borrow(fd);
  native().setNonblocking(own, 0);
  return {
    fd: own,
    close: () => {
      closeSync(own);
    },
  };
}

function openAgain(fd: number, what: number): number | undefined {
  const kind = what & KIND;
  if (kind !== PIPE && kind !== TERMINAL) return undefined;
  const writable = (what & WRITABLE) !== 0;
  const access = !writable ? constants.O_RDONLY : (what & READABLE) !== 0 ? constants.O_RDWR : constants.O_WRONLY;
  try {
    if (kind === TERMINAL && fstatSync(fd).rdev === MULTIPLEXER) return undefined;
    // Without O_NONBLOCK the open of a pipe that nobody reads would not come back (fifo(7)).
    return openSync(`/proc/self/fd/${String(fd)}`, access | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return undefined; // somebody else's pipe, or no /proc
  }
}

/** How many programs have what we have made blocking for them, by what it is. */
const borrowed = new Map<string, number>();

function borrow(fd: number): LentFd {
  const identity = identityOf(fd);
  borrowed.set(identity, (borrowed.get(identity) ?? 0) + 1);
  native().setNonblocking(fd, 0);
  return {
    fd,
    giveBack: () => {
      const others = (borrowed.get(identity) ?? 1) - 1;
      if (others > 0) {
        borrowed.set(identity, others);
        return;
      }
      borrowed.delete(identity);
      // The number may be another file's by now.
      if (identityOf(fd) === identity) native().setNonblocking(fd, 1);
    },
  };
}

function identityOf(fd: number): string {
  try {
    const { dev, ino } = fstatSync(fd);
    return `${String(dev)}:${String(ino)}`;
  } catch {
    return '';
  }
}

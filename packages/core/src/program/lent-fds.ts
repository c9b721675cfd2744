import { closeSync, constants, openSync } from 'node:fs';
import { describeFd, type FdDescription } from '../fd/description.js';
import { statFd } from '../fd/file-status.js';
import { native } from '../fd/native.js';

/** The device that is a new terminal each time it is opened (pts(4)). */
const MULTIPLEXER = 0x502n;

/** A descriptor of ours as a program gets it. */
export interface LentFd {
  readonly fd: number;
  /** To be called once the program has its copy, or could not be started. */
  readonly close?: () => void;
  /** To be called when the program has ended. */
  readonly giveBack?: () => void;
}

/**
 * Returns a descriptor of the same file that blocks, since programs do not expect EAGAIN. The mode belongs to the open file,
 * which we share with the program: so a pipe or a terminal is opened once more. A socket cannot be opened again: it blocks
 * for as long as a program has it.
 */
export function lend(fd: number): LentFd {
  const what = describeFd(fd);
  if (typeof what === 'number') return { fd };
  if (!what.isNonblocking) return borrowed.size > 0 && borrowed.has(identityOf(fd)) ? borrow(fd) : { fd };
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

function openAgain(fd: number, { kind, canRead, canWrite }: FdDescription): number | undefined {
  if (kind !== 'pipe' && kind !== 'terminal') return undefined;
  const access = !canWrite ? constants.O_RDONLY : canRead ? constants.O_RDWR : constants.O_WRONLY;
  try {
    if (kind === 'terminal' && statFd(fd).rdev === MULTIPLEXER) return undefined;
    // Without O_NONBLOCK, open() of a pipe that has no reader would not return (fifo(7)).
    return openSync(`/proc/self/fd/${String(fd)}`, access | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return undefined; // the pipe of another user, or no /proc
  }
}

/** How many programs have a file that we have made blocking for them, by its device and inode. */
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
    const { dev, ino } = statFd(fd);
    return `${String(dev)}:${String(ino)}`;
  } catch {
    return '';
  }
}

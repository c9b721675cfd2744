import { native } from './native.js';

/** As `enum sys_description` of `native/system.h` numbers them. */
const KINDS = [undefined, 'pipe', 'socket', 'terminal', 'pollable', 'file', 'listener', 'datagram'] as const;
const KIND_MASK = 15;
const CAN_READ = 16;
const CAN_WRITE = 32;
const IS_LOCAL = 64;
const IS_NONBLOCKING = 128;

/**
 * The kind of a descriptor: a `pipe` or FIFO; a stream `socket` that does not listen; a `terminal`; anything else that can be
 * waited for (`pollable`); a `file` or device that is always ready; a `listener`, a socket that accepts connections;
 * a `datagram` socket, whose messages have bounds.
 */
export type FdKind = Exclude<(typeof KINDS)[number], undefined>;

/** The system's description of an open descriptor. */
export interface FdDescription {
  readonly kind: FdKind;
  readonly canRead: boolean;
  readonly canWrite: boolean;
  /** A socket of this machine (AF_UNIX). */
  readonly isLocal: boolean;
  /** The mode belongs to the open file description: others who share it see the same, and can change it. */
  readonly isNonblocking: boolean;
}

/** Describes a descriptor; returns a negative errno if it is not open. */
export function describeFd(fd: number): FdDescription | number {
  const bits = native().describe(fd);
  if (bits < 0) return bits;
  return {
    kind: KINDS[bits & KIND_MASK] as FdKind,
    canRead: (bits & CAN_READ) !== 0,
    canWrite: (bits & CAN_WRITE) !== 0,
    isLocal: (bits & IS_LOCAL) !== 0,
    isNonblocking: (bits & IS_NONBLOCKING) !== 0,
  };
}

/** Whether a descriptor is open on a terminal. (node:tty would load Node's network code, which takes 3 ms.) */
export function isTerminal(fd: number): boolean {
  const found = describeFd(fd);
  return typeof found !== 'number' && found.kind === 'terminal';
}

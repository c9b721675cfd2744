import { checkOptions, optionNames } from '../check/options.js';
import { show } from '../check/show.js';
import { DuplexEnd, ReadEnd, WriteEnd } from './ends.js';
import { SystemError } from '../errors.js';
import { native, READABLE, WRITABLE } from '../fd/native.js';
import { OwnedFd } from '../fd/owned-fd.js';
import { LOCAL_SOCKET, PIPE } from '../fd/transport.js';

/** Options of {@link aiopipe}. */
export interface PipeOptions {
  /** The bytes that the pipe holds before a writer waits. The system rounds them up. Default: 64 KiB on Linux. */
  readonly capacity?: number | undefined;
}

/** Options of {@link aioduplex}. */
export interface DuplexOptions {
  /** The bytes of the buffers of each direction (SO_SNDBUF and SO_RCVBUF). The system may give less. Default: the system's. */
  readonly bufferSize?: number | undefined;
}

const PIPE_OPTIONS = optionNames<PipeOptions>({ capacity: true });
const DUPLEX_OPTIONS = optionNames<DuplexOptions>({ bufferSize: true });

/**
 * Makes a pipe (pipe(2)): the first end reads what the second one writes. Both are close-on-exec: a child process has one
 * only if it is passed to it. Throws {@link SystemError} if the system refuses, for example EMFILE.
 */
export function aiopipe(options: PipeOptions = {}): [ReadEnd, WriteEnd] {
  checkOptions(options, PIPE_OPTIONS);
  const capacity = checkSize('capacity', options.capacity);
  const fds = new Int32Array(2);
  check(
    native().pipe(fds, capacity),
    'pipe',
    `a pipe${capacity > 0 ? ` of ${String(capacity)} bytes` : ''} cannot be made`,
  );
  const [read, write] = fds as unknown as [number, number];
  return [
    new ReadEnd(new OwnedFd(read, 'read end', aiopipe), PIPE, READABLE),
    new WriteEnd(new OwnedFd(write, 'write end', aiopipe), PIPE, WRITABLE),
  ];
}

/** Makes a duplex pipe on one socketpair(2). Each end reads what the other one writes. Both are close-on-exec. */
export function aioduplex(options: DuplexOptions = {}): [DuplexEnd, DuplexEnd] {
  checkOptions(options, DUPLEX_OPTIONS);
  const bufferSize = checkSize('bufferSize', options.bufferSize);
  const make = (owned: OwnedFd) => new DuplexEnd(owned, LOCAL_SOCKET, READABLE | WRITABLE);
  const [one, other] = socketPair(bufferSize, ['duplex end', 'duplex end'], aioduplex);
  return [make(one), make(other)];
}

/** Makes two connected descriptors. Messages name them by `names`. With a `bufferSize` of 0 the system chooses it. */
export function socketPair(
  bufferSize: number,
  names: readonly [string, string],
  maker: (...args: never[]) => unknown,
): [OwnedFd, OwnedFd] {
  const fds = new Int32Array(2);
  check(native().socketpair(fds, bufferSize), 'socketpair', `a ${names[0]} cannot be made`);
  const [one, other] = fds as unknown as [number, number];
  return [new OwnedFd(one, names[0], maker), new OwnedFd(other, names[1], maker)];
}

function check(result: number, syscall: string, about: string): void {
  if (result < 0) throw new SystemError(result, syscall, about);
}

function checkSize(name: string, size: number | undefined): number {
  if (size === undefined) return 0;
  if (!Number.isInteger(size) || size <= 0 || size > 0x7fffffff) {
    throw new RangeError(`${name}: expected a positive whole number of bytes, not ${show(size)}`);
  }
  return size;
}

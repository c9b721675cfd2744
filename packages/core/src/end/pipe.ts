import { readFileSync } from 'node:fs';
import { checkCount } from '../check/count.js';
import { checkOptions, optionNames } from '../check/options.js';
import { DuplexEnd, ReadEnd, WriteEnd } from './ends.js';
import { SystemError } from '../errors.js';
import { native } from '../fd/native.js';
import { OwnedFd } from '../fd/owned-fd.js';
import { LOCAL_SOCKET, PIPE } from '../fd/transport.js';
import { type CallSite } from '../wait/call-site.js';

/**
 * Options of {@link aiopipe}.
 *
 * @example
 * ```ts
 * import { aiopipe } from '@aiopipe/core';
 *
 * const [rx, tx] = aiopipe({ capacity: 1024 * 1024 }); // holds 1 MiB before a writer waits
 * rx.close();
 * tx.close();
 * ```
 */
export interface PipeOptions {
  /** The bytes that the pipe holds before a writer waits. The system rounds them up. Default: 64 KiB on Linux. */
  readonly capacity?: number | undefined;
}

/**
 * Options of {@link aioduplex}.
 *
 * @example
 * ```ts
 * import { aioduplex } from '@aiopipe/core';
 *
 * const [one, other] = aioduplex({ bufferSize: 256 * 1024 }); // 256 KiB in each direction
 * one.close();
 * other.close();
 * ```
 */
export interface DuplexOptions {
  /** The bytes of the buffers of each direction (SO_SNDBUF and SO_RCVBUF). The system may give less. Default: the system's. */
  readonly bufferSize?: number | undefined;
}

/** The system takes a C `int`. */
const SIZES = { least: 1, most: 0x7fffffff, of: 'bytes' };

const PIPE_OPTIONS = optionNames<PipeOptions>({ capacity: true });
const DUPLEX_OPTIONS = optionNames<DuplexOptions>({ bufferSize: true });

/**
 * Makes a pipe (pipe(2)): the first end reads what the second one writes. Both are close-on-exec: a child process has one
 * only if it is passed to it. Throws {@link SystemError} if the system refuses, for example EMFILE.
 *
 * @example
 * ```ts
 * import { aiopipe } from '@aiopipe/core';
 *
 * const [rx, tx] = aiopipe();
 * await using reader = rx.open();
 * const writer = tx.open();
 * await writer.write('hello\n');
 * await writer.close();
 * for await (const line of reader.lines()) console.log(line);
 * ```
 * ```text
 * hello
 * ```
 */
export function aiopipe(options: PipeOptions = {}): [ReadEnd, WriteEnd] {
  checkOptions(options, PIPE_OPTIONS);
  const { capacity = 0 } = options;
  checkCount('capacity', options.capacity, SIZES);
  const fds = new Int32Array(2);
  const result = native().pipe(fds, capacity);
  if (result < 0) {
    const size = capacity > 0 ? ` of ${String(capacity)} bytes${mostAllowed(capacity)}` : '';
    throw new SystemError(result, 'pipe', `a pipe${size} cannot be made`);
  }
  const [read, write] = fds as unknown as [number, number];
  return [
    ReadEnd.make(new OwnedFd(read, 'read end', aiopipe), PIPE),
    WriteEnd.make(new OwnedFd(write, 'write end', aiopipe), PIPE),
  ];
}

/** Returns the end of a message: how large a pipe may be, if the system tells it and this pipe is larger. */
function mostAllowed(capacity: number): string {
  try {
    const most = Number(readFileSync('/proc/sys/fs/pipe-max-size', 'utf8'));
    return capacity > most ? ` (the system allows ${String(most)}: fs.pipe-max-size)` : '';
  } catch {
    return '';
  }
}

/**
 * Makes a duplex pipe on one socketpair(2). Each end reads what the other one writes. Both are close-on-exec.
 *
 * @example
 * ```ts
 * import { aioduplex } from '@aiopipe/core';
 *
 * const [one, other] = aioduplex();
 * await using here = one.open();
 * await using there = other.open();
 * await here.writer.write('ping\n');
 * console.log(String(await there.reader.readLine()).trim());
 * await there.writer.write('pong\n');
 * console.log(String(await here.reader.readLine()).trim());
 * ```
 * ```text
 * ping
 * pong
 * ```
 */
export function aioduplex(options: DuplexOptions = {}): [DuplexEnd, DuplexEnd] {
  checkOptions(options, DUPLEX_OPTIONS);
  const { bufferSize = 0 } = options;
  checkCount('bufferSize', options.bufferSize, SIZES);
  const make = (owned: OwnedFd) => DuplexEnd.make(owned, LOCAL_SOCKET);
  const [one, other] = socketPair(bufferSize, ['duplex end', 'duplex end'], aioduplex);
  return [make(one), make(other)];
}

/**
 * Makes two connected descriptors. Messages name them by `names`. With a `bufferSize` of 0 the system chooses it.
 *
 * @param maker - as of {@link OwnedFd}
 */
export function socketPair(
  bufferSize: number,
  names: readonly [string, string],
  maker: ((...args: never[]) => unknown) | CallSite,
): [OwnedFd, OwnedFd] {
  const fds = new Int32Array(2);
  check(native().socketpair(fds, bufferSize), 'socketpair', `a ${names[0]} cannot be made`);
  const [one, other] = fds as unknown as [number, number];
  return [new OwnedFd(one, names[0], maker), new OwnedFd(other, names[1], maker)];
}

function check(result: number, syscall: string, about: string): void {
  if (result < 0) throw new SystemError(result, syscall, about);
}

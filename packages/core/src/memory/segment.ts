import { constants as limits } from 'node:buffer';
import { constants } from 'node:os';
import { AiopipeError, SystemError } from '../errors.js';
import { native } from '../fd/native.js';
import { checkCount } from '../check/count.js';
import { checkFd } from '../check/fd.js';

const { EACCES, EINVAL, ENOTSUP, EPERM } = constants.errno;

/** The most bytes that a Buffer can have. */
const MOST_BYTES = limits.MAX_LENGTH;

/** Throws TypeError unless it is a length that memory can have. */
export function checkByteLength(byteLength: number | undefined): asserts byteLength is number {
  if (byteLength === undefined) throw new TypeError('byteLength: expected a whole number of bytes, not undefined');
  checkCount('byteLength', byteLength, { least: 1, most: MOST_BYTES, of: 'bytes' });
}

/** The facts of a segment that the system tells. No process can make it shorter. */
export interface Segment {
  readonly byteLength: number;
  /** No process can map it for writing any more, or its descriptor is open for reading only. */
  readonly readOnly: boolean;
}

/** Makes a segment of zeros; returns its descriptor. */
export function makeSegment(byteLength: number): number {
  const fd = native().memoryMake(byteLength);
  if (fd < 0) throw new SystemError(fd, 'memfd_create', `${String(byteLength)} bytes of shared memory cannot be made`);
  return fd;
}

/**
 * Describes the segment of a descriptor. Throws if it is no segment, or if one that can shrink: a peer that makes it shorter would end
 * this process by SIGBUS.
 *
 * @param maySeal - seals it against that, if the system can
 */
export function inspectSegment(fd: number, maySeal: boolean): Segment {
  checkFd('fromFd', fd);
  const byteLength = native().memoryInspect(fd, maySeal ? 1 : 0);
  if (byteLength < 0) throw refusal(fd, byteLength);
  const range = `from 1 to ${String(MOST_BYTES)} bytes`;
  if (byteLength < 1 || byteLength > MOST_BYTES) {
    const what = `fd ${String(fd)} has ${String(byteLength)} bytes; shared memory has ${range}`;
    throw new AiopipeError('ERR_AIOPIPE_WRONG_KIND', what);
  }
  return { byteLength, readOnly: isReadOnly(fd) };
}

/** Whether no process that gets this descriptor can write to the segment. */
export function isReadOnly(fd: number): boolean {
  return native().memoryIsReadOnly(fd) === 1;
}

function refusal(fd: number, errno: number): AiopipeError {
  const name = `fd ${String(fd)}`;
  switch (-errno) {
    case ENOTSUP:
      return new AiopipeError(
        'ERR_AIOPIPE_WRONG_KIND',
        `${name} is no shared memory: expected ${process.platform === 'linux' ? 'a memfd (memfd_create)' : 'a segment of shm_open'}`,
      );
    case EPERM:
      return new AiopipeError(
        'ERR_AIOPIPE_CAN_SHRINK',
        `${name} can be made shorter, and an access past its end would end this process; its maker must create it with ` +
          'MFD_ALLOW_SEALING, and seal it by F_SEAL_SHRINK',
      );
    case EACCES:
      return new AiopipeError('ERR_AIOPIPE_WRONG_DIRECTION', `${name} is not open for reading and writing`);
    default:
      return new SystemError(errno, 'fcntl', `${name} cannot become shared memory`);
  }
}

/** Maps the first bytes of a segment that was inspected. */
export function mapSegment(fd: number, { byteLength, readOnly }: Segment): ArrayBuffer {
  const mapped = native().memoryMap(fd, byteLength, readOnly ? 1 : 0);
  if (typeof mapped === 'object') return mapped;
  if (mapped === -ENOTSUP) {
    throw new AiopipeError(
      'ERR_AIOPIPE_UNSUPPORTED',
      'shared memory needs ArrayBuffers outside of the heap, and this runtime does not allow them',
    );
  }
  throw new SystemError(mapped, 'mmap', `${String(byteLength)} bytes of shared memory cannot be mapped`);
}

/** Keeps all processes from mapping the segment for writing. Mappings that are there can still write. */
export function forbidWrites(fd: number, name: string): void {
  const result = native().memoryForbidWrites(fd);
  if (result >= 0) return;
  if (result === -ENOTSUP || result === -EINVAL) {
    throw new AiopipeError(
      'ERR_AIOPIPE_UNSUPPORTED',
      `${name} cannot be shared read-only: that needs Linux 5.1 or later; use share()`,
    );
  }
  throw new SystemError(result, 'fcntl', `${name} cannot be shared read-only`);
}

import { aioduplex, aiopipe, type DuplexEnd, type ReadEnd, type WriteEnd } from '@aiopipe/core';

/** The transport of the bytes: the same for all sides of a row. */
export interface Transport {
  readonly kind: 'pipe' | 'duplex';
  /** Of the pipe, or of each of the socketpair's buffers; 0 is the system's own. */
  readonly capacity: number;
}

/** A transport, and how it is written to and read. */
export interface Transfer extends Transport {
  /** How many bytes one write takes. */
  readonly size: number;
  /** Whether all is read into one buffer, over and over, and not into memory that is the program's to keep. */
  readonly into: boolean;
}

/** As many bytes as one read takes at most. */
export const READ_SIZE = 256 * 1024;

/** Returns the end to read the bytes from, and the end to write them to. */
export function makeTransport({ kind, capacity }: Transport): [ReadEnd | DuplexEnd, WriteEnd | DuplexEnd] {
  if (kind === 'pipe') return aiopipe(capacity > 0 ? { capacity } : {});
  return aioduplex(capacity > 0 ? { bufferSize: capacity } : {});
}

/** A round begins with this: how many bytes follow. */
export const HEADER_LENGTH = 8;

export function makeHeader(bytes: number): Buffer {
  const header = Buffer.alloc(HEADER_LENGTH);
  header.writeDoubleLE(bytes);
  return header;
}

export const readHeader = (header: Buffer): number => header.readDoubleLE();

/** The consumer's answer when all bytes of a round have come. */
export const CONFIRMATION = Buffer.from([1]);

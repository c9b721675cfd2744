import { forget } from '../fd/collector.js';
import { type Descriptor } from '../fd/descriptor.js';
import { BusyError } from '../errors.js';
import { show } from '../check/show.js';
import { type Move } from '../move/handle.js';
import { maxLineLength, type ReaderOptions } from './reader-options.js';
import { type WriterOptions } from './writer-options.js';

/** The state of a reader for its next owner. */
export interface MovedReader extends ReaderOptions {
  /** The bytes that were read from the kernel and that no call has taken. */
  readonly ahead: Uint8Array;
  readonly ended: boolean;
}

/** The state of a stream's halves for its next owner; undefined for a closed half. */
export interface MovedDuplex {
  readonly reader: MovedReader | undefined;
  readonly writer: WriterOptions | undefined;
}

/** Throws a TypeError for wrong values: they come from another process. */
export function checkMovedReader(data: unknown): MovedReader {
  const moved = checkState<MovedReader>('reader', data);
  maxLineLength(moved);
  if (!(moved.ahead instanceof Uint8Array)) throw new TypeError('ahead: expected bytes');
  return moved as MovedReader;
}

/** Throws a TypeError if the state of a stream that has arrived is no object. */
export function checkState<State>(what: string, data: unknown): Partial<State> {
  if (typeof data === 'object' && data !== null) return data;
  throw new TypeError(`a ${what} arrived without its state, but with ${show(data)}`);
}

/** One direction of an opened stream, in a move. */
export interface Half {
  /** Throws if the stream cannot move now. */
  checkMovable(): void;
  /** Returns the state for the next owner. */
  pack(): unknown;
}

/** Returns the move of a reader or a writer alone. The `other` side of the descriptor must not be open. */
export function moveOfHalf(kind: string, half: Half, descriptor: Descriptor, other: number): Move {
  return {
    kind,
    check: () => {
      half.checkMovable();
      if (!descriptor.isOpenFor(other)) return;
      throw new BusyError(
        `${descriptor.toString()} cannot be moved alone: move the whole DuplexStream, or close its other half first`,
      );
    },
    pack: () => ({ fds: [descriptor.owned], data: half.pack() }),
    leave: (destination) => {
      forget(half);
      descriptor.release(destination);
    },
  };
}

import { forget } from '../fd/collector.js';
import { type Descriptor } from '../fd/descriptor.js';
import { BusyError } from '../errors.js';
import { type Move } from '../move/handle.js';

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

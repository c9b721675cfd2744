import { closeWhenDropped, forget } from '../fd/collector.js';
import { type OwnedFd } from '../fd/owned-fd.js';
import { ClosedError, MovedError } from '../errors.js';
import { HANDLE, HANDLE_IN_JSON, type Move } from '../move/handle.js';

/** The owner of the memory's descriptor: this object (`owned`), another process or other code (`moved`), or none (`closed`). */
export type MemoryState = 'owned' | 'moved' | 'closed';

/** What travels beside the descriptor. The receiver believes neither more than the system tells. */
export interface MovedMemory {
  readonly byteLength: number;
  readonly readOnly: boolean;
}

/** The kind of all handles that arrive as a `SharedMemory`. */
export const MEMORY_KIND = 'SharedMemory';

/** The members that `SharedMemory` and `MemoryShare` have in common. */
export abstract class MemoryHandle {
  readonly #owned: OwnedFd;
  #state: MemoryState = 'owned';
  #destination = '';

  /** @internal */
  constructor(owned: OwnedFd) {
    this.#owned = owned;
    closeWhenDropped(this, owned);
  }

  /** The owner of the descriptor now. */
  get state(): MemoryState {
    return this.#state;
  }

  /** The descriptor. Throws {@link ClosedError} or {@link MovedError} once it has closed or moved. */
  get fd(): number {
    this.assertOwned();
    this.#owned.wasRead = true;
    return this.#owned.number;
  }

  /** Closes at once. Throws {@link ClosedError} if it is closed already, or {@link MovedError} if it was handed on. */
  close(): void {
    this.assertOwned();
    this.#leave('closed');
    this.#owned.close();
  }

  /** Returns the descriptor; the caller must close it. */
  release(): number {
    this.assertOwned();
    this.#leave('moved', 'release(): the caller must close the descriptor');
    return this.#owned.take();
  }

  /** Closes it, if it is not closed or moved yet. Throws nothing. */
  [Symbol.dispose](): void {
    if (this.#state === 'owned') this.close();
  }

  /** @internal */
  [HANDLE](): Move {
    return {
      kind: MEMORY_KIND,
      check: () => {
        this.assertOwned();
        this.assertMovable();
      },
      pack: () => ({ fds: [this.#owned], data: this.facts }),
      leave: (destination) => {
        this.#leave('moved', destination);
      },
    };
  }

  /** Returns a string that names the memory: a handle cannot travel as JSON. */
  toJSON(): string {
    return HANDLE_IN_JSON + this.#owned.toString();
  }

  /** @internal */
  protected abstract readonly facts: MovedMemory;

  /** Throws if it cannot move now. @internal */
  protected abstract assertMovable(): void;

  /** Takes the pages out of this process. @internal */
  protected abstract unmap(mayComeBack: boolean): void;

  /** The descriptor, for this package's own calls. @internal */
  protected get number(): number {
    return this.#owned.number;
  }

  /** @internal */
  protected get name(): string {
    return this.#owned.toString();
  }

  /** @internal */
  protected assertOwned(): void {
    if (this.#state === 'closed') throw new ClosedError(`${this.name} is closed`);
    if (this.#state === 'moved') throw new MovedError(`${this.name} was handed to ${this.#destination}`);
  }

  #leave(state: MemoryState, destination = ''): void {
    forget(this);
    this.#state = state;
    this.#destination = destination;
    this.unmap(state === 'moved');
  }
}

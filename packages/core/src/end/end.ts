import { show } from '../check/show.js';
import { isThenable } from '../check/thenable.js';
import { DetachedEnd } from './detached-end.js';
import { closeWhenDropped, forget } from '../fd/collector.js';
import { Descriptor } from '../fd/descriptor.js';
import { BusyError, ClosedError, MovedError } from '../errors.js';
import { HANDLE, HANDLE_IN_JSON, type Move } from '../move/handle.js';
import { READABLE, WRITABLE } from '../fd/native.js';
import { type OwnedFd } from '../fd/owned-fd.js';
import { type Transport } from '../fd/transport.js';

/**
 * The owner of the descriptor: this object (`owned`), a stream that was opened over it (`open`), the callback or block
 * that it was lent to (`detached`), another process or other code (`moved`), or none (`closed`).
 *
 * @see the example of {@link End}
 */
export type EndState = 'owned' | 'open' | 'detached' | 'moved' | 'closed';

/**
 * The members that ReadEnd, WriteEnd and DuplexEnd share.
 *
 * @example
 * ```ts
 * import { aiopipe } from '@aiopipe/core';
 *
 * const [rx, tx] = aiopipe();
 * console.log(rx.state, typeof rx.fd);
 * rx.close();
 * console.log(rx.state);
 * tx.close();
 * ```
 * ```text
 * owned number
 * closed
 * ```
 */
export abstract class End {
  readonly #owned: OwnedFd;
  readonly #transport: Transport;
  readonly #directions: number;
  #state: EndState = 'owned';
  #descriptor: Descriptor | undefined;
  #destination = '';

  /** @internal Ends are made by `aiopipe()`, `aioduplex()` and `fromFd()`. */
  constructor(owned: OwnedFd, transport: Transport, directions: number) {
    this.#owned = owned;
    this.#transport = transport;
    this.#directions = directions;
    closeWhenDropped(this, owned);
  }

  /** The owner of the descriptor now. */
  get state(): EndState {
    if (this.#state !== 'open' || !this.#descriptor?.isClosed) return this.#state;
    return this.#descriptor.isMoved ? 'moved' : 'closed';
  }

  /** The descriptor. Throws {@link ClosedError} or {@link MovedError} once the end has closed or moved. */
  get fd(): number {
    if (this.state !== 'owned' && this.state !== 'open') throw this.#goneError();
    this.#owned.wasRead = true;
    return this.#owned.number;
  }

  /**
   * Closes at once. Throws {@link BusyError} while a read or write of its stream waits. Throws {@link ClosedError} if the
   * end is closed already, or {@link MovedError} if it was handed on.
   */
  close(): void {
    const { state } = this;
    if (state === 'open') {
      const descriptor = this.#descriptor as Descriptor;
      if (descriptor.isBusy)
        throw new BusyError(
          `${this.#owned.toString()} cannot be closed while a read or write of it waits; await it, or dispose of the end, which always closes`,
        );
      descriptor.closeSide(READABLE | WRITABLE);
    } else if (state === 'owned') {
      this.#leave('closed');
      this.#owned.close();
    } else {
      throw this.#goneError();
    }
    this.#state = 'closed';
  }

  /** Returns the descriptor; the caller must close it. Throws {@link BusyError} if a stream is open over this end. */
  release(): number {
    this.#assertOwned('released');
    this.#leave('moved', 'release(): the caller must close the descriptor');
    return this.#owned.take();
  }

  /** Closes the end, if it is not closed yet. Calls that wait reject with {@link ClosedError}. Throws nothing. */
  [Symbol.dispose](): void {
    if (this.state === 'owned') {
      this.#leave('closed');
      this.#owned.discard();
    } else if (this.state === 'open') {
      this.#descriptor?.dispose();
    }
  }

  /**
   * Lends the descriptor to a child process that is started within the block or the callback. Pass `child.fd` to the
   * spawn. After the block or the callback, the descriptor is closed here, also after an error.
   *
   * ```ts
   * tx.detach((child) => spawn(command, args, { stdio: ['inherit', 'inherit', 'inherit', child.fd] }));
   * ```
   */
  detach(): DetachedEnd;
  detach<T>(callback: (child: DetachedEnd) => T): T;
  detach<T>(callback?: (child: DetachedEnd) => T): DetachedEnd | T {
    if (callback !== undefined && typeof callback !== 'function') {
      throw new TypeError(`detach: expected a function or nothing, not ${show(callback)}`);
    }
    this.#assertOwned('detached');
    this.#leave('detached', 'detach()');
    const child = DetachedEnd.make(this.#owned);
    if (callback === undefined) return child;
    try {
      const result = callback(child);
      if (isThenable(result)) {
        result.then(undefined, () => undefined);
        throw new TypeError(
          'detach: the callback returned a promise, but the end is closed as soon as the callback returns; ' +
            'start the child in it, and await outside',
        );
      }
      return result;
    } finally {
      child[Symbol.dispose]();
    }
  }

  /** @internal */
  [HANDLE](): Move {
    return {
      kind: this.kind,
      check: () => {
        this.#assertOwned('moved');
      },
      pack: () => ({ fds: [this.#owned] }),
      leave: (destination) => {
        this.#leave('moved', destination);
      },
    };
  }

  /** Returns a string that names this end: a handle cannot travel as JSON. */
  toJSON(): string {
    return HANDLE_IN_JSON + this.#owned.toString();
  }

  /** The name of the adopter that makes the end again in another process. @internal */
  protected abstract readonly kind: string;

  /** @internal */
  protected openDescriptor(): Descriptor {
    this.#assertOwned('opened');
    const descriptor = new Descriptor(this.#owned, this.#transport, this.#directions);
    this.#leave('open');
    this.#descriptor = descriptor;
    return descriptor;
  }

  #assertOwned(what: string): void {
    if (this.#state === 'owned') return;
    if (this.state === 'open') {
      const hint = what === 'moved' ? ' (move the stream that open() returned, while it is idle)' : '';
      throw new BusyError(`${this.#owned.toString()} cannot be ${what}: it is open already${hint}`);
    }
    throw this.#goneError();
  }

  #leave(state: EndState, destination = ''): void {
    forget(this);
    this.#state = state;
    this.#destination = destination;
  }

  #goneError(): ClosedError {
    if (this.#descriptor?.isMoved) return this.#descriptor.closedError();
    const name = this.#owned.toString();
    if (this.state === 'closed') return new ClosedError(`${name} is closed`);
    return new MovedError(`${name} was handed to ${this.#destination}`);
  }
}

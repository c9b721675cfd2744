import { SystemError } from '@aiopipe/core';
import { native, type Move, type OwnedFd } from '@aiopipe/core/internal';
import { EncodeError } from '../errors.js';
import { type HandleSink } from '../serializer/handles.js';
import { Refusal } from '../serializer/paths.js';
import { MAX_DESCRIPTORS, type Description } from './description.js';
import { isMovable, moveOf } from './movable.js';

const NOT_PACKED: readonly OwnedFd[] = [];

/** A handle of the message that is being encoded. */
interface Leaving {
  readonly handle: object;
  readonly move: Move;
  /** Known once it is packed. */
  fds: readonly OwnedFd[];
}

/** The handles of the message that is being encoded. They move when it has been encoded, all of them or none. */
export class OutgoingHandles implements HandleSink {
  #handles: Leaving[] = [];
  readonly #canPass: boolean;
  readonly #destination: () => string;

  /** @param canPass - whether descriptors can travel: only over a socket of this machine */
  constructor(canPass: boolean, destination: () => string) {
    this.#canPass = canPass;
    this.#destination = destination;
  }

  get count(): number {
    return this.#handles.length;
  }

  isHandle(value: object): boolean {
    return isMovable(value);
  }

  add(value: object): number {
    const known = this.#handles.findIndex(({ handle }) => handle === value);
    if (known >= 0) return known;
    if (!this.#canPass) {
      throw new Refusal(
        'a handle can only be sent over a local socket, and this channel uses another transport',
        value,
      );
    }
    const move = moveOf(value);
    move.check();
    return this.#handles.push({ handle: value, move, fds: NOT_PACKED }) - 1;
  }

  begin(): void {
    if (this.#handles.length > 0) this.abandon();
  }

  /** Returns the list of the message's handles. Throws EncodeError if they have more descriptors than a receiver takes. */
  describe(): Description[] {
    let total = 0;
    const list = this.#handles.map((leaving): Description => {
      const { move } = leaving;
      // Again: the program's own code may have run since, such as a reduce().
      move.check();
      const { fds, data } = move.pack();
      leaving.fds = fds;
      fds.forEach(checkIsOpen);
      total += fds.length;
      return [move.kind, fds.length, data];
    });
    if (total <= MAX_DESCRIPTORS) return list;
    throw new EncodeError(
      'value',
      `its handles have ${String(total)} descriptors; a message can carry ${String(MAX_DESCRIPTORS)}`,
    );
  }

  /** Moves the handles. The caller must send their descriptors and then close them. */
  finish(): OwnedFd[] {
    if (this.#handles.length === 0) return [];
    const destination = this.#destination();
    const fds = this.#handles.flatMap((leaving) => {
      leaving.move.leave(destination);
      return leaving.fds;
    });
    this.#handles = [];
    return fds;
  }

  /** Leaves the handles where they are: the message is not sent. */
  abandon(): void {
    for (const { move, fds } of this.#handles) if (fds !== NOT_PACKED) move.undo?.();
    this.#handles = [];
  }
}

/** Throws EncodeError if other code has closed the descriptor: the send would fail, and end the channel. */
function checkIsOpen(fd: OwnedFd): void {
  const result = native().setCloseOnExec(fd.number);
  if (result >= 0) return;
  const cause = new SystemError(result, 'fcntl', `fd ${String(fd.number)}`);
  throw new EncodeError('value', `${fd.toString()} cannot be sent: other code has closed its descriptor`, { cause });
}

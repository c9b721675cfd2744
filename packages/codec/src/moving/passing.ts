import {
  adopterOf,
  HANDLE,
  isHandle,
  move,
  native,
  OwnedFd,
  reasonOf,
  show,
  type Handle,
  type Move,
} from '@aiopipe/core/internal';
import { SystemError } from '@aiopipe/core';
import { DecodeError, EncodeError } from '../errors.js';
import { type HandleSink, type HandleSource } from '../serializer/handles.js';
import { Refusal } from '../serializer/paths.js';

/** How a handle stands in its message: the other side makes it again from this. */
type Description = [kind: string, fdCount: number, data: unknown];

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
    return isHandle(value);
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
    const move = (value as Handle)[HANDLE]();
    move.check();
    return this.#handles.push({ handle: value, move, fds: [] }) - 1;
  }

  begin(): void {
    if (this.#handles.length > 0) this.#handles = [];
  }

  /** Returns the list of the message's handles. Throws EncodeError if they have more descriptors than a receiver takes. */
  describe(): Description[] {
    let total = 0;
    const list = this.#handles.map((leaving): Description => {
      const { move } = leaving;
      // Again: the program's own code may have run since, such as a reduce().
      move.check();
      const { fds, data } = move.pack();
      fds.forEach(checkIsOpen);
      leaving.fds = fds;
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

  abandon(): void {
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

/** The most descriptors that may wait for one message, and that a message may have. */
export const MAX_DESCRIPTORS = 1024;

/** A descriptor, and how many bytes of the stream had come with it: its message begins before that. */
interface Arrival {
  readonly fd: OwnedFd;
  readonly before: number;
}

/** The descriptors that came with the bytes, in the order of the messages that they belong to. */
export class IncomingFds {
  /** The receiving call fills it: the number of descriptors, then each. */
  readonly arrivals = new Int32Array(254);
  #fds: Arrival[] = [];
  #wereLost = false;
  /** The handles of the message that was decoded last, while it may still be refused. */
  made: IncomingHandles | undefined;

  /**
   * Takes in the descriptors of the last call. If some were lost on the way, later ones are closed: the message that lacks
   * its descriptors ends the channel.
   *
   * @param before - how many bytes of the stream have come in all
   */
  collect(before: number): void {
    const count = this.arrivals[0] ?? 0;
    if (count < 0) this.#wereLost = true;
    for (let i = 1; i <= count; i++) {
      const fd = this.arrivals[i] as number;
      if (this.#wereLost) native().close(fd);
      else this.give(fd, before);
    }
  }

  /** Whether the kernel could not deliver some. */
  get wereLost(): boolean {
    return this.#wereLost;
  }

  give(fd: number, before: number): void {
    this.#fds.push({ fd: new OwnedFd(fd, 'handle that was sent here', IncomingFds.prototype.give), before });
  }

  /** Whether some came with the messages before this byte of the stream and were not taken. They belong to no later message. */
  hasLeftBefore(position: number): boolean {
    const first = this.#fds[0];
    return first !== undefined && first.before <= position;
  }

  /** A peer that sends one message without end can send descriptors with each of its bytes. */
  get areTooMany(): boolean {
    // The last call may have brought descriptors of the next message, too.
    return this.#fds.length > MAX_DESCRIPTORS + this.arrivals.length;
  }

  get count(): number {
    return this.#fds.length;
  }

  take(count: number): OwnedFd[] {
    return this.#fds.splice(0, count).map(({ fd }) => fd);
  }

  /** The descriptors that are here and were not taken. */
  get all(): readonly OwnedFd[] {
    return this.#fds.map(({ fd }) => fd);
  }

  forgetAll(): void {
    this.#fds = [];
  }

  closeAll(): void {
    for (const { fd } of this.#fds.splice(0)) fd.discard();
    this.closeMade();
  }

  /** Closes the handles of a message that is refused. */
  closeMade(): void {
    this.made?.closeAll();
    this.made = undefined;
  }
}

/** The handles of the message that is being decoded. */
export class IncomingHandles implements HandleSource {
  readonly #handles: ({ value: object; isTaken: boolean } | { error: unknown })[] = [];

  /**
   * Makes the handles again. Throws if the list is malformed; no descriptor was taken then. A handle that cannot be made
   * throws when it is taken: the rest of its message must still be read, for the tables that later messages refer to.
   */
  constructor(descriptions: unknown, fds: IncomingFds) {
    if (!Array.isArray(descriptions)) throw new DecodeError('the list of handles is not a list');
    if (descriptions.length > MAX_DESCRIPTORS)
      throw new DecodeError('a message has more handles than the limit allows');
    const all = (descriptions as unknown[]).map(checkDescription);
    const named = all.reduce((sum, [, count]) => sum + count, 0);
    if (named > fds.count) {
      throw new DecodeError(`a message names ${String(named)} descriptors, but ${String(fds.count)} arrived`);
    }
    for (const [kind, count, data] of all) {
      const own = fds.take(count);
      try {
        this.#handles.push({ value: adopt(kind, own, data), isTaken: false });
      } catch (error) {
        for (const fd of own) fd.discard();
        this.#handles.push({ error });
      }
    }
  }

  take(index: number): object {
    const handle = this.#handles[index];
    if (handle === undefined)
      throw new DecodeError(`a message refers to handle ${String(index)}, which it does not have`);
    if ('error' in handle) throw handle.error;
    handle.isTaken = true;
    return handle.value;
  }

  /** Closes the handles that the message does not contain. */
  closeUntaken(): void {
    this.#close(({ isTaken }) => !isTaken);
  }

  /** Closes all handles: their message could not be decoded. */
  closeAll(): void {
    this.#close(() => true);
  }

  #close(which: (handle: { isTaken: boolean }) => boolean): void {
    for (const handle of this.#handles) {
      if ('value' in handle && which(handle)) discard(handle.value);
    }
  }
}

/** Closes a handle. An opened stream cannot be closed at once, so it is moved away from its owner first. */
export function discard(handle: object): void {
  if (Symbol.dispose in handle) (handle as Disposable)[Symbol.dispose]();
  else for (const fd of move(handle as Handle, 'no receiver').fds) fd.discard();
}

function checkDescription(value: unknown): Description {
  const [kind, count] = Array.isArray(value) ? (value as unknown[]) : [];
  if (typeof kind !== 'string' || !Number.isInteger(count) || (count as number) < 0) {
    throw new DecodeError('a handle is described wrongly');
  }
  return value as Description;
}

/** Makes a handle again. If it throws, the caller still owns the descriptors. */
function adopt(kind: string, fds: readonly OwnedFd[], data: unknown): object {
  const adopter = adopterOf(kind);
  if (adopter === undefined)
    throw new DecodeError(`a handle of the unknown kind ${show(kind)} arrived`, { fatal: false });
  const numbers = fds.map((fd) => fd.number);
  try {
    const handle = adopter(numbers, data);
    for (const fd of fds) fd.handOver();
    return handle;
  } catch (cause) {
    throw new DecodeError(`a received ${kind} could not be opened: ${reasonOf(cause)}`, {
      cause,
      fatal: false,
    });
  }
}

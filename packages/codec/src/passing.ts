import { adopterOf, HANDLE, isHandle, OwnedFd, type Handle } from '@aiopipe/core/internal';
import { DecodeError, EncodeError } from './errors.js';
import { type HandleSink, type HandleSource } from './handles.js';

/** How a handle stands in its message: what the other side makes it again from. */
type Description = [kind: string, fdCount: number, data: unknown];

/** The handles of the message that is being encoded. They move when it has been encoded, all of them or none. */
export class OutgoingHandles implements HandleSink {
  #handles: Handle[] = [];
  readonly #destination: () => string;

  constructor(destination: () => string) {
    this.#destination = destination;
  }

  get count(): number {
    return this.#handles.length;
  }

  isHandle(value: object): boolean {
    return isHandle(value);
  }

  add(value: object): number {
    const known = this.#handles.indexOf(value as Handle);
    if (known >= 0) return known;
    (value as Handle)[HANDLE]().assertMovable();
    return this.#handles.push(value as Handle) - 1;
  }

  begin(): void {
    if (this.#handles.length > 0) this.#handles = [];
  }

  describe(): Description[] {
    return this.#handles.map((handle) => {
      const { kind, fds, data } = handle[HANDLE]().pack();
      return [kind, fds.length, data];
    });
  }

  /** Moves them. Their descriptors are the caller's to send and then to close. */
  finish(): OwnedFd[] {
    if (this.#handles.length === 0) return [];
    const destination = this.#destination();
    const fds = this.#handles.flatMap((handle) => [...handle[HANDLE]().move(destination).fds]);
    this.#handles = [];
    return fds;
  }

  abandon(): void {
    this.#handles = [];
  }
}

/** Stands where no handles can go along: with an encoder that is not ours. */
export const noHandles: HandleSink = {
  isHandle: () => false,
  add: () => {
    throw new EncodeError('value', "a handle can only travel with the 'default' encoder");
  },
};

/** The descriptors that came with the bytes, in the order of the messages that they belong to. */
export class IncomingFds {
  /** What the receiving call fills: how many came, then their numbers. */
  readonly arrivals = new Int32Array(254);
  #fds: OwnedFd[] = [];

  /** Takes in what the last call brought. False: some were lost on the way. */
  collect(): boolean {
    const count = this.arrivals[0] ?? 0;
    if (count < 0) return false;
    for (let i = 1; i <= count; i++) this.give(this.arrivals[i] as number);
    return true;
  }

  give(fd: number): void {
    this.#fds.push(new OwnedFd(fd, 'handle that was sent here', IncomingFds.prototype.give));
  }

  take(count: number): OwnedFd[] {
    if (count > this.#fds.length) {
      throw new DecodeError(`a message names ${String(count)} descriptors, but ${String(this.#fds.length)} came`);
    }
    return this.#fds.splice(0, count);
  }

  /** Those that are here and not taken. */
  get all(): readonly OwnedFd[] {
    return this.#fds;
  }

  forgetAll(): void {
    this.#fds = [];
  }

  closeAll(): void {
    for (const fd of this.#fds.splice(0)) fd.close();
  }
}

/** The handles of the message that is being decoded. */
export class IncomingHandles implements HandleSource {
  readonly #handles: { value: object; isTaken: boolean }[] = [];

  /** Makes them again. If one can't be, those before it are closed, and so are its descriptors. */
  constructor(descriptions: unknown, fds: IncomingFds) {
    if (!Array.isArray(descriptions)) throw new DecodeError('the list of handles is no list');
    const all = (descriptions as unknown[]).map((description) => {
      const [kind, count, data] = checkDescription(description);
      return { kind, data, fds: fds.take(count) };
    });
    for (const [index, { kind, data, fds: own }] of all.entries()) {
      try {
        this.#handles.push({ value: adopt(kind, own, data), isTaken: false });
      } catch (error) {
        this.closeUntaken();
        for (const { fds: rest } of all.slice(index)) for (const fd of rest) fd.close();
        throw error;
      }
    }
  }

  take(index: number): object {
    const handle = this.#handles[index];
    if (handle === undefined) throw new DecodeError(`a message has no handle ${String(index)}`);
    handle.isTaken = true;
    return handle.value;
  }

  /** Those that nobody can reach. */
  closeUntaken(): void {
    this.#close(({ isTaken }) => !isTaken);
  }

  /** All of them: their message could not be decoded. */
  closeAll(): void {
    this.#close(() => true);
  }

  #close(which: (handle: { isTaken: boolean }) => boolean): void {
    for (const { value } of this.#handles.filter(which)) (value as Disposable)[Symbol.dispose]();
  }
}

function checkDescription(value: unknown): Description {
  const [kind, count] = Array.isArray(value) ? (value as unknown[]) : [];
  if (typeof kind !== 'string' || !Number.isInteger(count) || (count as number) < 0) {
    throw new DecodeError('a handle is described wrongly');
  }
  return value as Description;
}

/** Where it throws, the descriptors are still ours. */
function adopt(kind: string, fds: readonly OwnedFd[], data: unknown): object {
  const adopter = adopterOf(kind);
  if (adopter === undefined) throw new DecodeError(`a handle of the unknown kind ${JSON.stringify(kind)} came`, { fatal: false });
  const handle = adopter(
    fds.map((fd) => fd.number),
    data,
  );
  for (const fd of fds) fd.take();
  return handle;
}

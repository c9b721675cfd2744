import { adopterOf, move, reasonOf, show, type Handle, type OwnedFd } from '@aiopipe/core/internal';
import { DecodeError } from '../errors.js';
import { type HandleSource } from '../serializer/handles.js';
import { MAX_DESCRIPTORS, type Description } from './description.js';
import { type IncomingFds } from './incoming-fds.js';
import { discardNodeObject, isNodeObject } from './node-objects.js';

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
  if (isNodeObject(handle)) discardNodeObject(handle);
  else if (Symbol.dispose in handle) (handle as Disposable)[Symbol.dispose]();
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
    // Node's objects close their descriptor themselves, also at the end of a thread.
    if (isNodeObject(handle)) for (const fd of fds) fd.take();
    else for (const fd of fds) fd.handOver();
    return handle;
  } catch (cause) {
    throw new DecodeError(`a received ${kind} could not be opened: ${reasonOf(cause)}`, {
      cause,
      fatal: false,
    });
  }
}

import { checkFd } from '../check/fd.js';
import { describeFd } from '../fd/description.js';
import { Descriptor } from '../fd/descriptor.js';
import { SystemError } from '../errors.js';
import { native, READABLE, WRITABLE } from '../fd/native.js';
import { OwnedFd } from '../fd/owned-fd.js';
import { PipeReader } from '../stream/reader.js';
import { inspectFd, type Transport } from '../fd/transport.js';
import { PipeWriter } from '../stream/writer.js';

/** The function that the user called: messages name the frame above it. */
export type Maker = (...args: never[]) => unknown;

/** The streams of a source: one direction, or both. */
export interface Streams {
  readonly reader: PipeReader | undefined;
  readonly writer: PipeWriter | undefined;
}

type MakeDescriptor = (owned: OwnedFd, transport: Transport, directions: number) => Descriptor;

/**
 * Opens a descriptor in the directions that it allows. If this throws, the caller still owns the descriptor.
 *
 * @param isShared - whether others may have the same open file description: not if it was opened here, non-blocking
 * @param isOurs - whether it was opened or duplicated here: if this throws and this thread ends, it must still be closed
 */
export function openFd(
  fd: number,
  maker: Maker,
  wanted = READABLE | WRITABLE,
  makeDescriptor: MakeDescriptor = (...args) => new Descriptor(...args),
  isShared = true,
  isOurs = false,
): Streams {
  checkFd('AsyncFile', fd);
  const described = describeFd(fd);
  const can =
    typeof described === 'number' ? 0 : (described.canRead ? READABLE : 0) | (described.canWrite ? WRITABLE : 0);
  const directions = can & wanted;
  const transport = { ...inspectFd(fd, directions === WRITABLE ? WRITABLE : READABLE, 'file'), isShared };
  const closed = native().setCloseOnExec(fd);
  if (closed < 0) throw new SystemError(closed, 'fcntl', `fd ${String(fd)}`);

  if (directions !== (READABLE | WRITABLE) || transport.isSocket || !isShared) {
    return streamsOver(
      makeOwned(fd, maker, isOurs, (owned) => makeDescriptor(owned, transport, directions)),
      directions,
    );
  }
  // Other processes may share the description, so each direction gets its own.
  const other = openDuplicate(fd, maker, WRITABLE);
  try {
    const descriptor = makeOwned(fd, maker, isOurs, (owned) => new Descriptor(owned, transport, READABLE));
    return { reader: PipeReader.make(descriptor), writer: other.writer };
  } catch (error) {
    other.writer?.destroy();
    throw error;
  }
}

function streamsOver(descriptor: Descriptor, directions: number): Streams {
  return {
    reader: directions & READABLE ? PipeReader.make(descriptor) : undefined,
    writer: directions & WRITABLE ? PipeWriter.make(descriptor) : undefined,
  };
}

/** If `use` throws, the caller still owns the descriptor. */
function makeOwned(fd: number, maker: Maker, isOurs: boolean, use: (owned: OwnedFd) => Descriptor): Descriptor {
  const owned = new OwnedFd(fd, 'file', maker);
  try {
    return use(owned);
  } catch (error) {
    if (isOurs) owned.handOver();
    else owned.take();
    throw error;
  }
}

/** Opens a duplicate: `fd` stays its owner's. */
export function openDuplicate(fd: number, maker: Maker, wanted?: number, makeDescriptor?: MakeDescriptor): Streams {
  const duplicate = native().duplicate(fd);
  if (duplicate < 0) throw new SystemError(duplicate, 'fcntl', `fd ${String(fd)} cannot be duplicated`);
  return orClose(duplicate, () => openFd(duplicate, maker, wanted, makeDescriptor, true, true));
}

/** Closes `fd` if `use` throws: the descriptor was opened or duplicated here, so no other code closes it. */
export function orClose<T>(fd: number, use: () => T): T {
  try {
    return use();
  } catch (error) {
    native().closeOwned(fd, 0);
    throw error;
  }
}

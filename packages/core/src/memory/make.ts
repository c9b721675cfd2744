import { show } from '../check/show.js';
import { AiopipeError } from '../errors.js';
import { OwnedFd } from '../fd/owned-fd.js';
import { registerHandleKind } from '../move/handle.js';
import { checkByteLength, inspectSegment, makeSegment, mapSegment, type Segment } from './segment.js';
import { adoptSegment, MEMORY_KIND, SharedMemory, WHAT } from './shared-memory.js';

/**
 * Makes shared memory of so many bytes, all zero. Throws {@link SystemError} if the system refuses, for example EMFILE or ENOMEM.
 *
 * @param byteLength - 1 or more; at most what a Buffer can have
 */
export function sharedMemory(byteLength: number): SharedMemory {
  checkByteLength(byteLength);
  const segment = { byteLength, readOnly: false };
  const owned = new OwnedFd(makeSegment(byteLength), WHAT, sharedMemory);
  try {
    return SharedMemory.make(owned, segment, mapSegment(owned.number, segment));
  } catch (error) {
    owned.close();
    throw error;
  }
}

/** The system knows what the descriptor is. The peer can only make the memory shorter, or read-only. */
registerHandleKind(MEMORY_KIND, (fds, data) => {
  const [fd = -1] = fds;
  if (fds.length !== 1) throw new TypeError(`shared memory needs one descriptor, but ${String(fds.length)} arrived`);
  const found = inspectSegment(fd, false);
  const { byteLength, readOnly } = checkMoved(data);
  if (byteLength > found.byteLength) {
    const lengths = `${String(found.byteLength)} bytes, but its sender named ${String(byteLength)}`;
    throw new TypeError(`fd ${String(fd)} has ${lengths}`);
  }
  if (found.readOnly && !readOnly) {
    throw new AiopipeError(
      'ERR_AIOPIPE_READ_ONLY',
      `fd ${String(fd)} was sent for writing, but was shared read-only before it arrived: wait for an answer before ` +
        'share({ readOnly: true })',
    );
  }
  return adoptSegment(fd, { byteLength, readOnly: found.readOnly });
});

function checkMoved(data: unknown): Segment {
  const { byteLength, readOnly } = (data ?? {}) as Partial<Segment>;
  checkByteLength(byteLength);
  if (typeof readOnly === 'boolean') return { byteLength, readOnly };
  throw new TypeError(`shared memory was described wrongly: ${show(data)}`);
}

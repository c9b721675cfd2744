import { OwnedFd } from '../fd/owned-fd.js';
import { registerHandleKind } from '../move/handle.js';
import { memoryArrived } from './arrival.js';
import { checkByteLength, makeSegment, mapSegment } from './segment.js';
import { MEMORY_KIND, SharedMemory, WHAT } from './shared-memory.js';

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

registerHandleKind(MEMORY_KIND, memoryArrived);

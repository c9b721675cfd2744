import { OwnedFd } from '../fd/owned-fd.js';
import { registerHandleKind } from '../move/handle.js';
import { memoryArrived } from './arrival.js';
import { checkByteLength, makeSegment, mapSegment } from './segment.js';
import { MEMORY_KIND, SharedMemory, WHAT } from './shared-memory.js';

/**
 * Makes shared memory of so many bytes, all zero. Throws {@link SystemError} if the system refuses, for example EMFILE or ENOMEM.
 *
 * @param byteLength - 1 or more; at most what a Buffer can have
 *
 * @example
 * ```ts
 * import { channel } from '@aiopipe/codec';
 * import { sharedMemory, type SharedMemory } from '@aiopipe/core';
 *
 * using pair = channel<SharedMemory>();
 * const [reader, writer] = pair;
 * const memory = sharedMemory(64 * 1024 * 1024);
 * await writer.put(memory); // moves: no byte is copied
 * using arrived = await reader.get();
 * console.log(memory.state, memory.byteLength, arrived.byteLength);
 * ```
 * ```text
 * moved 0 67108864
 * ```
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

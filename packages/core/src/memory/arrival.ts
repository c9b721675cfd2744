import { show } from '../check/show.js';
import { AiopipeError } from '../errors.js';
import { checkByteLength, inspectSegment, type Segment } from './segment.js';
import { adoptSegment, type SharedMemory } from './shared-memory.js';

/**
 * Makes the memory of a message that has arrived. The system knows what the descriptor is: the peer can only make the memory
 * shorter, or read-only.
 */
export function memoryArrived(fds: readonly number[], data: unknown): SharedMemory {
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
}

function checkMoved(data: unknown): Segment {
  const { byteLength, readOnly } = (data ?? {}) as Partial<Segment>;
  checkByteLength(byteLength);
  if (typeof readOnly === 'boolean') return { byteLength, readOnly };
  throw new TypeError(`shared memory was described wrongly: ${show(data)}`);
}

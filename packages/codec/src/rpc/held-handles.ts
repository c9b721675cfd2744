import { discard } from '../moving/incoming-handles.js';
import { isMovable } from '../moving/movable.js';
import { OutgoingHandles } from '../moving/outgoing-handles.js';
import { Encoder } from '../serializer/encode.js';
import { Output } from '../serializer/output.js';

/** Closes the handles in a received value that no code will get: the call was refused, or its caller no longer waits. */
export function closeHandles(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  const seen = new Set<object>();
  const left: object[] = [value];
  for (let object = left.pop(); object !== undefined; object = left.pop()) {
    if (seen.has(object)) continue;
    seen.add(object);
    if (isMovable(object)) discard(object);
    else if (!ArrayBuffer.isView(object)) {
      for (const item of contentOf(object)) if (typeof item === 'object' && item !== null) left.push(item);
    }
  }
}

/** No getter is run. */
function contentOf(object: object): Iterable<unknown> {
  if (object instanceof Map) return [...(object as Map<unknown, unknown>)].flat();
  if (object instanceof Set) return object as Set<unknown>;
  return Object.values(Object.getOwnPropertyDescriptors(object)).map(({ value }) => value as unknown);
}

/**
 * Does to the handles in a value of the program's what sending it would do, and closes those that would have moved. A server stays
 * open, because it would have been shared; so does everything in a value that cannot be sent. Never throws.
 */
export function closeAsIfSent(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  const handles = new OutgoingHandles(true, () => 'a caller that no longer waits');
  try {
    new Encoder().encodeInto(new Output(1024), value, handles);
    handles.describe();
    for (const fd of handles.finish()) fd.discard();
  } catch {
    handles.abandon();
  }
}

import { discard } from './incoming-handles.js';
import { isMovable } from './movable.js';

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

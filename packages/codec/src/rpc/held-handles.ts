import { OutgoingHandles } from '../moving/outgoing-handles.js';
import { Encoder } from '../serializer/encode.js';
import { Output } from '../serializer/output.js';

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

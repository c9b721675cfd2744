import { deserializeError as deserializeWithin } from '@aiopipe/codec/internal';
import { controlLimits } from './message-limits.js';

/** Returns the error that a peer serialized, or the error that says why it cannot be decoded. */
export function deserializeError(bytes: Uint8Array): unknown {
  return deserializeWithin(bytes, controlLimits());
}

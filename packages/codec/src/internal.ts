/**
 * The internals of this layer that the layers above need. It promises nothing to users.
 *
 * @module
 */
export * from './index.js';
export { namePeer, putNow, putSoon, watchSends } from './channel/channel.js';
export { channelMadeAt } from './channel/pair.js';
export { unobserved } from './channel/events.js';
export { checkSpin } from './channel/options.js';
export { checkBy, type Check } from './channel/validation.js';
export { closeHandles } from './moving/close-handles.js';
export { isMovable } from './moving/movable.js';
export { Decoder } from './serializer/decode.js';
export { Encoder } from './serializer/encode.js';
export { deserializeError, serializeError } from './serializer/portable-error.js';
export { renamePath } from './serializer/rename-path.js';
export { Output } from './serializer/output.js';

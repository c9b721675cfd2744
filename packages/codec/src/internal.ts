/**
 * What the layers above need of this one's inside. It promises nothing to anyone else.
 *
 * @module
 */
export * from './index.js';
export { namePeer, putNow, putSoon, watchSends } from './channel/channel.js';
export { checkSpin } from './channel/options.js';
export { Decoder } from './serializer/decode.js';
export { Encoder } from './serializer/encode.js';
export { Output } from './serializer/output.js';

/**
 * What the layers above need of this one's inside. It promises nothing to anyone else.
 *
 * @module
 */
export * from './index.js';
export { putNow, putSoon, watchSends } from './channel.js';
export { Decoder } from './decode.js';
export { Encoder } from './encode.js';
export { Output } from './output.js';

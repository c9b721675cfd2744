/**
 * The internals of this layer that the layers above need. It promises nothing to users.
 *
 * @module
 */
export { checkTarget } from './target/target.js';

import { type DecodeLimits } from '@aiopipe/codec';

let limits: DecodeLimits | undefined;

/**
 * Bounds of one message from a child, so that none of them can take all of this process's memory: a byte on the wire can
 * become a hundred here. A value may take half of the heap, by the codec's estimate; large arrays of numbers, and what is
 * in ArrayBuffers, count for what they are.
 */
export function controlLimits(): DecodeLimits {
  return (limits ??= { memory: process.getBuiltinModule('node:v8').getHeapStatistics().heap_size_limit / 2 });
}

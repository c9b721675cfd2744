import { type DecodeLimits } from '@aiopipe/codec';

let limits: DecodeLimits | undefined;

/**
 * Returns the limits of one message from a child, so that no message can take all of this process's memory: a byte on the wire
 * can become a hundred in memory. A value may take half of the heap, by the codec's estimate.
 */
export function controlLimits(): DecodeLimits {
  return (limits ??= { memory: process.getBuiltinModule('node:v8').getHeapStatistics().heap_size_limit / 2 });
}

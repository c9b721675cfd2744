import { type DecodeLimits } from '@aiopipe/codec';

/** Bytes of heap that a value of a message may take. An empty Map takes 200, an error with its stack 350. */
const HEAP_PER_VALUE = 512;

let limits: DecodeLimits | undefined;

/**
 * Bounds of one message from a child, so that none of them can take all of this process's memory: a byte on the wire can
 * become a hundred here. They are as generous as the heap: 8 million values with Node's default of 4 GB.
 */
export function controlLimits(): DecodeLimits {
  return (limits ??= limitsFor(process.getBuiltinModule('node:v8').getHeapStatistics().heap_size_limit));
}

function limitsFor(heap: number): DecodeLimits {
  return { nodes: Math.floor(heap / HEAP_PER_VALUE), bytes: Math.floor(heap / 2) };
}

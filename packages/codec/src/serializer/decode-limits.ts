import { checkOptions, optionNames, show } from '@aiopipe/core/internal';

/**
 * Bounds of what one message may hold. A message over a bound throws DecodeError, and breaks its channel.
 *
 * @example
 * ```ts
 * import { channel, DecodeError } from '@aiopipe/codec';
 *
 * using pair = channel<number[]>({ limits: { nodes: 1000 } });
 * const [reader, writer] = pair;
 * await writer.put(Array.from({ length: 5000 }, (_, n) => n));
 * await reader.get().catch((error) => console.log(error instanceof DecodeError));
 * ```
 * ```text
 * true
 * ```
 */
export interface DecodeLimits {
  /** How deep values may nest, in levels. Default: 1,000,000. */
  readonly depth?: number | undefined;
  /** How many values there may be, of all levels together. No limit by default: each takes at least a byte. */
  readonly nodes?: number | undefined;
  /** How long the message may be, in bytes. No limit by default. */
  readonly bytes?: number | undefined;
  /**
   * How much heap the value may take, in bytes, by an estimate: an empty Map of 2 bytes takes 200. The contents of
   * ArrayBuffers are not on the heap. Default: half of the heap's limit (`--max-old-space-size`).
   */
  readonly memory?: number | undefined;
  /**
   * How many symbols of `Symbol.for()` may come that no message has brought to this thread before, in all messages of a
   * channel together. Such a symbol stays in memory for ever. Default: 1,000.
   */
  readonly symbols?: number | undefined;
}

const LIMITS = optionNames<DecodeLimits>({ depth: true, nodes: true, bytes: true, memory: true, symbols: true });

/** Throws TypeError for wrong limits. A limit that is not a number would limit nothing, without notice. */
export function checkLimits(limits: DecodeLimits): void {
  checkOptions(limits, LIMITS, 'limits');
  for (const name of LIMITS.names) {
    const limit: unknown = limits[name as keyof DecodeLimits];
    if (limit === undefined || (typeof limit === 'number' && limit >= 0)) continue;
    throw new TypeError(`limits.${name}: expected a number, 0 or more, not ${show(limit)}`);
  }
}

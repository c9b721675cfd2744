import { checkCount, checkOptions, optionNames, show } from '@aiopipe/core/internal';

/** A frame is the length of its payload, 4 bytes, big-endian, and then the payload. */
export const HEADER_LENGTH = 4;

/**
 * 256 MiB.
 *
 * @example
 * ```ts
 * import { DEFAULT_MAX_FRAME_LENGTH, FrameEncoder } from '@aiopipe/codec';
 *
 * console.log(DEFAULT_MAX_FRAME_LENGTH / 1024 ** 2, 'MiB');
 * console.log(new FrameEncoder().maxFrameLength === DEFAULT_MAX_FRAME_LENGTH);
 * ```
 * ```text
 * 256 MiB
 * true
 * ```
 */
export const DEFAULT_MAX_FRAME_LENGTH = 256 * 1024 * 1024;

const LONGEST = 0xffffffff;

/**
 * The options that both sides of a framed stream must agree on.
 *
 * @example
 * ```ts
 * import { FrameEncoder, FrameTooLongError } from '@aiopipe/codec';
 *
 * const encoder = new FrameEncoder({ maxFrameLength: 100 });
 * try {
 *   encoder.encode(Buffer.alloc(101));
 * } catch (error) {
 *   console.log(error instanceof FrameTooLongError);
 * }
 * ```
 * ```text
 * true
 * ```
 */
export interface FrameOptions {
  /** The longest payload of a frame, in bytes. 256 MiB by default, 4 GiB - 1 at most. */
  maxFrameLength?: number | undefined;
}

const FRAME_OPTIONS = optionNames<FrameOptions>({ maxFrameLength: true });

/** Returns `maxFrameLength`. Throws if it is no length. */
export function maxFrameLengthOf({ maxFrameLength = DEFAULT_MAX_FRAME_LENGTH }: FrameOptions): number {
  checkCount('maxFrameLength', maxFrameLength, { least: 1, most: LONGEST, of: 'bytes' });
  return maxFrameLength;
}

/** Throws TypeError for an unknown option. */
export function checkFrameOptions(options: FrameOptions): void {
  checkOptions(options, FRAME_OPTIONS);
}

/** Throws TypeError for anything else with a length, which would be taken for bytes. */
export function checkBytes(call: string, bytes: unknown): void {
  if (bytes instanceof Uint8Array) return;
  throw new TypeError(`${call}: expected a Buffer or another Uint8Array, not ${show(bytes)}`);
}

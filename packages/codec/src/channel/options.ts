import { checkCount, checkFlag, optionNames, show } from '@aiopipe/core/internal';
import { maxFrameLengthOf } from '../frame/format.js';
import { type DecodeLimits } from '../serializer/decode-limits.js';
import { resolveDecoder, resolveEncoder, type DecoderOption, type EncoderOption } from './codec-option.js';

/**
 * The options of a channel.
 *
 * @example
 * ```ts
 * import { channel } from '@aiopipe/codec';
 *
 * using pair = channel<{ id: number }>({ encoder: 'json', decoder: 'json', queueLimit: 1024 * 1024 });
 * const [reader, writer] = pair;
 * await writer.put({ id: 7 });
 * console.log(await reader.get({ timeout: 1000 }));
 * ```
 * ```text
 * { id: 7 }
 * ```
 */
export interface ChannelOptions {
  /** How values become bytes. Default: `'default'`, the serializer. */
  readonly encoder?: EncoderOption | undefined;
  /** How bytes become values. Default: `'default'`, the serializer. */
  readonly decoder?: DecoderOption | undefined;
  /** The longest message that is sent or received, in bytes. Default: 256 MiB. */
  readonly maxFrameLength?: number | undefined;
  /**
   * Bounds of what a received message may hold. Set them if you do not trust the peer: within `maxFrameLength`, a value can
   * take a hundred times the memory of its bytes. A message over a bound breaks the channel with a DecodeError. Only the
   * default decoder has limits.
   */
  readonly limits?: DecodeLimits | undefined;
  /** How many bytes may wait for the kernel before `put()` rejects with QueueFullError. Default: 64 MiB. */
  readonly queueLimit?: number | undefined;
  /**
   * For how many microseconds the event loop looks for a message before it sleeps, while a `get()` waits. Default: 0, at most
   * 10,000. Waking up takes most of the time of a round trip, so with 50 an answer comes several times as fast, if a core is
   * free. If no core is free, the loop does not spin. Spinning uses processor time.
   */
  readonly spin?: number | undefined;
  /**
   * Whether each message takes the context of its `put()` along, if a carrier was added with `addContextCarrier()`:
   * `forEach()` of the reader calls its function within that context. Default: false. Both ends need the same value, since the
   * codec gets `[message]` or `[message, context]` in place of the message.
   */
  readonly context?: boolean | undefined;
}

/** The names of {@link ChannelOptions}, for the lists of calls that take more. */
export const CHANNEL_NAMES = {
  encoder: true,
  decoder: true,
  maxFrameLength: true,
  limits: true,
  queueLimit: true,
  spin: true,
  context: true,
} as const;

export const CHANNEL_OPTIONS = optionNames<ChannelOptions>(CHANNEL_NAMES);

/** {@link ChannelOptions} with all defaults. */
export type ChannelSettings = {
  readonly [Name in Exclude<keyof ChannelOptions, 'context'>]-?: Exclude<ChannelOptions[Name], undefined>;
} & {
  /** Left out if it is false: settings move with a channel, and cost bytes. */
  readonly context?: true;
};

const DEFAULT_QUEUE_LIMIT = 64 * 1024 * 1024;
/** A longer spin would keep the loop from its other work, in microseconds. */
const LONGEST_SPIN = 10_000;

/**
 * Returns the options with all defaults. Throws TypeError for a wrong value, but not for an unknown name: the settings of a
 * channel that moved here may have more names. The public calls refuse those.
 */
export function readOptions(options: ChannelOptions = {}): ChannelSettings {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`options: expected an object, not ${show(options)}`);
  }
  const {
    encoder = 'default',
    decoder = 'default',
    limits = {},
    queueLimit = DEFAULT_QUEUE_LIMIT,
    spin = 0,
    context = false,
  } = options;
  resolveEncoder(encoder);
  resolveDecoder(decoder, limits);
  checkCount('queueLimit', queueLimit, { least: 1, of: 'bytes' });
  checkSpin(spin);
  checkFlag('context', context);
  if (context && (encoder === null || decoder === null)) {
    throw new TypeError(
      'context: a channel that carries only bytes (encoder or decoder null) has no place for a context',
    );
  }
  return {
    encoder,
    decoder,
    maxFrameLength: maxFrameLengthOf(options),
    limits: { ...limits },
    queueLimit,
    spin,
    ...(context && { context }),
  };
}

/** Throws TypeError for a wrong `spin`. */
export function checkSpin(spin: unknown): void {
  checkCount('spin', spin, { most: LONGEST_SPIN, of: 'microseconds' });
}

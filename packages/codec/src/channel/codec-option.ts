import { show } from '@aiopipe/core/internal';
import { DefaultDecoder, DefaultEncoder, isLimited } from './default-codec.js';
import { bytesOnly, FunctionDecoder, FunctionEncoder } from './function-codec.js';
import { json } from './json.js';
import { type MessageDecoder, type MessageEncoder } from './message-codec.js';
import { type DecodeLimits } from '../serializer/decode-limits.js';
import { codecNamed, type ByteCodec } from '../serializer/registry.js';

/**
 * Turns a value into bytes.
 *
 * @see the example of {@link EncoderOption}
 */
export type EncodeFunction = (value: never) => Uint8Array;
/**
 * Turns the bytes of one message into a value, which must not be a promise. The function may keep the bytes.
 *
 * @see the example of {@link EncoderOption}
 */
export type DecodeFunction = (bytes: Buffer) => unknown;

/**
 * How a channel turns values into bytes: `'default'` (the serializer), `'json'` (`JSON.stringify()`; throws EncodeError for a value that JSON would leave out or change), `null` (only bytes can be
 * put), a function, or the name of a codec that was registered with {@link registerCodec}.
 *
 * @example
 * ```ts
 * import { channel } from '@aiopipe/codec';
 *
 * using pair = channel<string>({
 *   encoder: (text: string) => Buffer.from(text, 'latin1'),
 *   decoder: (bytes) => bytes.toString('latin1'),
 * });
 * const [reader, writer] = pair;
 * await writer.put('café');
 * console.log(await reader.get());
 * ```
 * ```text
 * café
 * ```
 */
export type EncoderOption = 'default' | 'json' | null | EncodeFunction | (string & {});
/**
 * How a channel turns bytes into values: see {@link EncoderOption}.
 *
 * @see the example of {@link ChannelOptions}
 */
export type DecoderOption = 'default' | 'json' | null | DecodeFunction | (string & {});

/** Returns the encoder. Throws TypeError for anything else. */
export function resolveEncoder(option: EncoderOption): MessageEncoder {
  if (option === 'default') return new DefaultEncoder();
  if (typeof option === 'function') return new FunctionEncoder(option as (value: unknown) => unknown);
  const { encode } = resolveCodec('encoder', option);
  return new FunctionEncoder(encode);
}

/** Returns the decoder. Throws TypeError for anything else, or for limits that it lacks. `state` is a {@link MessageDecoder.exportState}. */
export function resolveDecoder(option: DecoderOption, limits: DecodeLimits, state?: unknown): MessageDecoder {
  if (option === 'default') return new DefaultDecoder(limits, state);
  if (isLimited(limits)) {
    throw new TypeError('limits: only the default decoder takes limits; use maxFrameLength');
  }
  if (typeof option === 'function') return new FunctionDecoder(option, true);
  const codec = resolveCodec('decoder', option);
  return new FunctionDecoder(codec.decode, codec !== json);
}

function resolveCodec(what: string, option: unknown): ByteCodec {
  if (option === null) return bytesOnly;
  if (option === 'json') return json;
  const named = typeof option === 'string' ? codecNamed(option) : undefined;
  if (named !== undefined) return named;
  const known = "'default', 'json', null, a function, or the name of a registered codec";
  throw new TypeError(`${what}: expected ${known}, not ${show(option)}`);
}

import { checkOptions, optionNames, show } from '@aiopipe/core/internal';
import { Decoder } from './decode.js';
import { type DecodeLimits } from './decode-limits.js';
import { Encoder } from './encode.js';
import { Output } from './output.js';

/**
 * The options of `deserialize`.
 *
 * @see the example of {@link deserialize}
 */
export interface DeserializeOptions {
  /** Bounds of what the bytes may hold. Set them for bytes that you do not trust. */
  limits?: DecodeLimits;
}

const DESERIALIZE_OPTIONS = optionNames<DeserializeOptions>({ limits: true });

/** Results are cut from a chunk of this many bytes, one after another, as Node's own small Buffers are. */
const CHUNK = 16_384;
/** A longer result than this, in bytes, gets memory of its own. */
const LONGEST_CUT = 2048;
/** A result of at least this many bytes keeps the memory that it was written to; a shorter one is copied from it. */
const HANDED_OVER = 32_768;

interface Pen {
  readonly encoder: Encoder;
  readonly output: Output;
}

// One of each is kept for the next call. A call from inside of another one (in a reduce, a getter, a revive) finds none.
let idlePen: Pen | undefined;
let idleDecoder: Decoder | undefined;

/**
 * Returns a value as bytes, for `deserialize`: pickle's `dumps`. `docs/wire-format.md` lists what survives, type by type.
 *
 * @throws EncodeError if the value holds something that cannot be sent, with the path to it
 *
 * @example
 * ```ts
 * import { deserialize, serialize } from '@aiopipe/codec';
 *
 * const list: unknown[] = [new Map([['total', 12n]])];
 * list.push(list); // a cycle
 * console.log(deserialize(serialize(list)));
 * ```
 * ```text
 * <ref *1> [ Map(1) { 'total' => 12n }, [Circular *1] ]
 * ```
 */
export function serialize(value: unknown): Buffer {
  const pen = idlePen ?? { encoder: new Encoder(), output: new Output(CHUNK) };
  idlePen = undefined;
  const { encoder, output } = pen;
  const start = output.position;
  try {
    encoder.encodeInto(output, value);
    return cut(pen, start);
  } catch (error) {
    // The refused value may have been large.
    renew(output);
    encoder.detach();
    throw error;
  } finally {
    idlePen = pen;
  }
}

function cut({ encoder, output }: Pen, start: number): Buffer {
  const { buffer, position } = output;
  const length = position - start;
  if (length <= LONGEST_CUT) {
    if (position > CHUNK - LONGEST_CUT) renew(output);
    return buffer.subarray(start, position);
  }
  if (length >= HANDED_OVER) {
    renew(output);
    encoder.detach();
    return buffer.subarray(start, position);
  }
  const bytes = Buffer.allocUnsafeSlow(length);
  buffer.copy(bytes, 0, start, position);
  output.position = start;
  return bytes;
}

function renew(output: Output): void {
  output.buffer = Buffer.allocUnsafeSlow(CHUNK);
  output.position = 0;
}

/**
 * Returns the value that `serialize` was given: pickle's `loads`, but safe on any bytes. It runs no code but the `create` and
 * `revive` of registered classes, and its memory stays in proportion to the bytes.
 *
 * @throws TypeError if an argument or a limit is wrong
 * @throws DecodeError if the bytes are malformed or over a limit; with `fatal: false` if only the value cannot be built here
 *
 * @example
 * ```ts
 * import { deserialize, serialize } from '@aiopipe/codec';
 *
 * const bytes = serialize({ at: new Date(0), tags: new Set(['new']) });
 * console.log(deserialize(bytes, { limits: { depth: 10, nodes: 1000 } }));
 * ```
 * ```text
 * { at: 1970-01-01T00:00:00.000Z, tags: Set(1) { 'new' } }
 * ```
 */
export function deserialize(bytes: Uint8Array, options?: DeserializeOptions): unknown {
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError(`deserialize: expected a Buffer or another Uint8Array, not ${show(bytes)}`);
  }
  checkOptions(options, DESERIALIZE_OPTIONS);
  const limits = options?.limits;
  if (limits !== undefined) return new Decoder(limits).decode(bytes, 0, bytes.length);
  const decoder = idleDecoder ?? new Decoder();
  idleDecoder = undefined;
  try {
    return decoder.decode(bytes, 0, bytes.length);
  } finally {
    decoder.forget();
    idleDecoder = decoder;
  }
}

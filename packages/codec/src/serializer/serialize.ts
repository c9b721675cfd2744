import { checkOptions, optionNames } from '@aiopipe/core/internal';
import { type DecodeLimits, Decoder } from './decode.js';
import { Encoder } from './encode.js';
import { Output } from './output.js';

/** How `deserialize` goes about it. */
export interface DeserializeOptions {
  /** Bounds of what the bytes may hold, for bytes from those that you don't trust. */
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
 * The value as bytes, for `deserialize`: pickle's `dumps`. `docs/wire-format.md` lists what survives, type by type.
 *
 * @throws EncodeError where the value holds something that can't be sent, with the path to it
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
    // What was refused may have been large.
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
 * The value that `serialize` was given: pickle's `loads`, but safe on any bytes: no code runs but the `revive` of
 * registered classes, and memory stays in proportion to the bytes.
 *
 * @throws TypeError where an argument or a limit isn't what it should be
 * @throws DecodeError where the bytes are none that `serialize` made, or are over a limit; with `fatal: false` where they
 *   are, but the value can't be built here
 */
export function deserialize(bytes: Uint8Array, options?: DeserializeOptions): unknown {
  if (!(bytes instanceof Uint8Array)) throw new TypeError('deserialize(bytes): expected a Buffer or Uint8Array');
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

import { type DecodeLimits, Decoder } from './decode.js';
import { Encoder } from './encode.js';
import { Output } from './output.js';

/** How `deserialize` goes about it. */
export interface DeserializeOptions {
  /** Bounds of what the bytes may hold, for bytes from those that you don't trust. */
  limits?: DecodeLimits;
}

/** A result of at least this many bytes keeps the buffer that it was written to; a smaller one is copied from it. */
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
  const pen = idlePen ?? { encoder: new Encoder(), output: new Output() };
  idlePen = undefined;
  const { encoder, output } = pen;
  try {
    encoder.encodeInto(output, value);
    return take(output);
  } finally {
    output.position = 0;
    idlePen = pen;
  }
}

function take(output: Output): Buffer {
  const { buffer, position } = output;
  if (position >= HANDED_OVER) {
    output.buffer = Buffer.allocUnsafeSlow(8192);
    return buffer.subarray(0, position);
  }
  const bytes = Buffer.allocUnsafe(position);
  buffer.copy(bytes, 0, 0, position);
  return bytes;
}

/**
 * The value that `serialize` was given: pickle's `loads`, but safe on any bytes: no code runs but the `revive` of
 * registered classes, and memory stays in proportion to the bytes.
 *
 * @throws DecodeError where the bytes are none that `serialize` made, or are over a limit; with `fatal: false` where they
 *   are, but the value can't be built here
 */
export function deserialize(bytes: Uint8Array, options: DeserializeOptions = {}): unknown {
  if (!(bytes instanceof Uint8Array)) throw new TypeError('deserialize(bytes): expected a Buffer or Uint8Array');
  if (options.limits !== undefined) return new Decoder(options.limits).decode(bytes, 0, bytes.length);
  const decoder = idleDecoder ?? new Decoder();
  idleDecoder = undefined;
  try {
    return decoder.decode(bytes, 0, bytes.length);
  } finally {
    decoder.forget();
    idleDecoder = decoder;
  }
}

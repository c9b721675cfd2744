import { handled, isThenable, reasonOf, show } from '@aiopipe/core/internal';
import { types } from 'node:util';
import { DecodeError, EncodeError } from '../errors.js';
import { type MessageDecoder, type MessageEncoder } from './message-codec.js';
import { type IncomingFds } from '../moving/incoming-fds.js';
import { type ByteCodec } from '../serializer/registry.js';
import { type Output } from '../serializer/output.js';

/** From this size on, bytes are sent without a copy. A copy of fewer bytes costs no more than a system call. */
const BORROWED = 256 * 1024;

/** The codec `null`. */
export const bytesOnly: ByteCodec = {
  encode: (value) => {
    if (!ArrayBuffer.isView(value))
      throw new TypeError(
        `put: expected bytes (a Buffer or another view), not ${kindOf(value)}; ` +
          'this channel has encoder null, which sends bytes as they are',
      );
    return asBuffer(value);
  },
  decode: (bytes) => bytes,
};

/** An encoder whose messages stand alone: a function, `json` or `null`. */
export class FunctionEncoder implements MessageEncoder {
  readonly #encode: (value: unknown) => unknown;

  constructor(encode: (value: unknown) => unknown) {
    this.#encode = encode;
  }

  encode(out: Output, value: unknown): void {
    const buffer = this.#bytesOf(value);
    if (buffer.length >= BORROWED) out.borrowed = buffer;
    else out.append(buffer);
  }

  #bytesOf(value: unknown): Buffer {
    let bytes: unknown;
    try {
      bytes = this.#encode(value);
    } catch (error) {
      if (isError(error)) throw error;
      throw new EncodeError('value', `the encoder threw ${show(error)}`, { cause: error });
    }
    if (ArrayBuffer.isView(bytes)) return asBuffer(bytes);
    throw new TypeError(`encoder: expected bytes (a Buffer or another view) from the function, not ${kindOf(bytes)}`);
  }

  reset(): void {
    // Each of its messages stands alone.
  }
}

/** Asking a Proxy what it is an instance of runs its trap, which may throw. */
function isError(thrown: unknown): boolean {
  return !types.isProxy(thrown) && thrown instanceof Error;
}

export class FunctionDecoder implements MessageDecoder {
  readonly #decode: (bytes: Buffer) => unknown;
  readonly keepsBytes: boolean;

  constructor(decode: (bytes: Buffer) => unknown, keepsBytes: boolean) {
    this.#decode = decode;
    this.keepsBytes = keepsBytes;
  }

  decode(bytes: Buffer, start: number, end: number, fds: IncomingFds, isOwn: boolean): unknown {
    // No message refers to them. Kept, they would use up the limit of open files.
    fds.closeAll();
    let part: Buffer;
    if (isOwn || !this.keepsBytes) part = bytes.subarray(start, end);
    else bytes.copy((part = Buffer.allocUnsafe(end - start)), 0, start, end);
    try {
      const value = this.#decode(part);
      if (!isThenable(value)) return value;
      // Its rejection must not end the program.
      void handled(Promise.resolve(value));
      throw new TypeError('the decoder returned a promise: do slow work after get()');
    } catch (cause) {
      throw new DecodeError(`the decoder failed: ${reasonOf(cause)}`, { cause, fatal: false });
    }
  }

  takeUnbuilt(): unknown {
    return undefined;
  }

  exportState(): unknown {
    return undefined;
  }
}

function asBuffer(view: ArrayBufferView): Buffer {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}

function kindOf(value: unknown): string {
  if (typeof value !== 'object') return typeof value;
  if (value === null) return 'null';
  return types.isProxy(value) ? 'a Proxy' : classOf(value);
}

function classOf(value: object): string {
  try {
    const name: unknown = value.constructor?.name;
    return typeof name === 'string' ? name : 'an object';
  } catch {
    return 'an object';
  }
}

import { types } from 'node:util';
import { handled, reasonOf, show } from '@aiopipe/core/internal';
import { checkLimits, type DecodeLimits, Decoder } from '../serializer/decode.js';
import { Encoder } from '../serializer/encode.js';
import { DecodeError, EncodeError } from '../errors.js';
import { type Output } from '../serializer/output.js';
import { IncomingHandles, type IncomingFds, type OutgoingHandles } from '../moving/passing.js';
import { json } from './json.js';
import { codecNamed, type ByteCodec } from '../serializer/registry.js';
import { deserialize, serialize, type DeserializeOptions } from '../serializer/serialize.js';
import { isThenable } from './validation.js';

/** Turns a value into bytes. */
export type EncodeFunction = (value: never) => Uint8Array;
/** Turns the bytes of one message into a value, which must not be a promise. The function may keep the bytes. */
export type DecodeFunction = (bytes: Buffer) => unknown;

/**
 * How a channel turns values into bytes: `'default'` (the serializer), `'json'` (JSON.stringify, which refuses a value that JSON would leave out or change: see the README), `null` (only bytes can be
 * put), a function, or the name of a codec that was registered with {@link registerCodec}.
 */
export type EncoderOption = 'default' | 'json' | null | EncodeFunction | (string & {});
/** How a channel turns bytes into values: see {@link EncoderOption}. */
export type DecoderOption = 'default' | 'json' | null | DecodeFunction | (string & {});

export interface MessageEncoder {
  /** Appends a message to `out`, or lets `out` borrow it. If it throws, the caller drops what it has appended. */
  encode(out: Output, value: unknown, handles: OutgoingHandles): void;
  /** Starts with empty tables: the last message was not sent, or the receiver of the next one is new. */
  reset(): void;
}

export interface MessageDecoder {
  /**
   * Returns a message's value. Throws {@link DecodeError}, or what the making of a handle throws.
   *
   * @param isOwn - no other code uses these bytes, so a decoder that {@link keepsBytes} need not copy them
   */
  decode(bytes: Buffer, start: number, end: number, fds: IncomingFds, isOwn: boolean): unknown;
  /** Whether bytes in memory of their own are of use. */
  readonly keepsBytes: boolean;
  /** Returns the state that moves with the end. */
  exportState(): unknown;
}

/** From this size on, bytes are sent without a copy. A copy of fewer bytes costs no more than a system call. */
const BORROWED = 256 * 1024;
/** The buffer of a message that is longer than this is not kept, in bytes. */
const HELD = 64 * 1024;

/** Stands before a message with handles, which ends with their list and the list's length. No other message begins with it. */
const WITH_HANDLES = 0xa2;

class DefaultEncoder implements MessageEncoder {
  readonly #encoder = new Encoder({ shared: true });

  encode(out: Output, value: unknown, handles: OutgoingHandles): void {
    const start = out.position;
    this.#encoder.encodeInto(out, value, handles);
    if (out.isLarge) this.#encoder.detach();
    if (handles.count === 0) return;
    out.ensure(1);
    out.buffer.copyWithin(start + 1, start, out.position++);
    out.buffer[start] = WITH_HANDLES;
    let list: Buffer;
    try {
      list = serialize(handles.describe());
    } catch (error) {
      // The encoder takes its message for sent.
      this.reset();
      throw error;
    }
    out.append(list);
    out.ensure(4);
    out.position = out.buffer.writeUInt32BE(list.length, out.position);
  }

  reset(): void {
    this.#encoder.reset();
  }
}

/**
 * How many values the list of a message's handles may hold if the channel has limits. The limits are for the program's values,
 * and the list is not one. A handle takes about ten values, and one more for each key in the tables of a moved reader.
 */
const NODES_OF_LIST = 100_000;

class DefaultDecoder implements MessageDecoder {
  readonly keepsBytes = false;
  readonly #decoder: Decoder;
  readonly #listOptions: DeserializeOptions;

  constructor(limits: DecodeLimits, state?: unknown) {
    this.#decoder = state === undefined ? new Decoder(limits) : Decoder.fromState(state, limits);
    this.#listOptions = isLimited(limits) ? { limits: { nodes: NODES_OF_LIST } } : {};
  }

  decode(bytes: Buffer, start: number, end: number, fds: IncomingFds): unknown {
    try {
      return bytes[start] === WITH_HANDLES && start < end
        ? this.#decodeWithHandles(bytes, start, end, fds)
        : this.#decoder.decode(bytes, start, end);
    } finally {
      if (end - start > HELD) this.#decoder.detach();
    }
  }

  #decodeWithHandles(bytes: Buffer, start: number, end: number, fds: IncomingFds): unknown {
    const listLength = end - start >= 5 ? bytes.readUInt32BE(end - 4) : Infinity;
    const listStart = end - 4 - listLength;
    if (listStart <= start) throw new DecodeError('the list of handles is longer than its message');
    const handles = new IncomingHandles(handleList(bytes.subarray(listStart, end - 4), this.#listOptions), fds);
    try {
      const value = this.#decoder.decode(bytes, start + 1, listStart, handles);
      handles.closeUntaken();
      fds.made = handles;
      return value;
    } catch (error) {
      handles.closeAll();
      throw error;
    }
  }

  exportState(): unknown {
    return this.#decoder.exportState();
  }
}

/** An error is fatal, because the next descriptors could not be assigned to their messages. */
function handleList(bytes: Buffer, options: DeserializeOptions): unknown {
  try {
    return deserialize(bytes, options);
  } catch (cause) {
    throw new DecodeError('the list of handles is malformed', { cause });
  }
}

const bytesOnly: ByteCodec = {
  encode: (value) => {
    if (!ArrayBuffer.isView(value))
      throw new TypeError(`with encoder null only bytes can be put, not ${kindOf(value)}`);
    return asBuffer(value);
  },
  decode: (bytes) => bytes,
};

/** An encoder whose messages stand alone: a function, `json` or `null`. */
class SimpleEncoder implements MessageEncoder {
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
    throw new TypeError(`the encoder returned ${kindOf(bytes)}, not bytes`);
  }

  reset(): void {
    // Each of its messages stands alone.
  }
}

/** Asking a Proxy what it is an instance of runs its trap, which may throw. */
function isError(thrown: unknown): boolean {
  return !types.isProxy(thrown) && thrown instanceof Error;
}

class SimpleDecoder implements MessageDecoder {
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

  exportState(): unknown {
    return undefined;
  }
}

/** Returns the encoder. Throws TypeError for anything else. */
export function resolveEncoder(option: EncoderOption): MessageEncoder {
  if (option === 'default') return new DefaultEncoder();
  if (typeof option === 'function') return new SimpleEncoder(option as (value: unknown) => unknown);
  const { encode } = resolveCodec('encoder', option);
  return new SimpleEncoder(encode);
}

/** Returns the decoder. Throws TypeError for anything else, or for limits that it lacks. `state` is a {@link MessageDecoder.exportState}. */
export function resolveDecoder(option: DecoderOption, limits: DecodeLimits, state?: unknown): MessageDecoder {
  if (option === 'default') return new DefaultDecoder(limits, state);
  if (isLimited(limits)) {
    throw new TypeError('limits: only the default decoder takes limits; use maxFrameLength');
  }
  if (typeof option === 'function') return new SimpleDecoder(option, true);
  const codec = resolveCodec('decoder', option);
  return new SimpleDecoder(codec.decode, codec !== json);
}

/** Throws TypeError for wrong limits. */
function isLimited(limits: DecodeLimits): boolean {
  checkLimits(limits);
  return Object.values(limits).some((limit) => limit !== undefined);
}

function resolveCodec(what: string, option: unknown): ByteCodec {
  if (option === null) return bytesOnly;
  if (option === 'json') return json;
  const named = typeof option === 'string' ? codecNamed(option) : undefined;
  if (named !== undefined) return named;
  const known = "'default', 'json', null, a function, or the name of a registered codec";
  throw new TypeError(`${what}: expected ${known}, not ${show(option)}`);
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

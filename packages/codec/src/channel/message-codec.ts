import { types } from 'node:util';
import { handled, HANDLE_IN_JSON, isHandle } from '@aiopipe/core/internal';
import { checkLimits, type DecodeLimits, Decoder } from '../serializer/decode.js';
import { reasonOf, shown } from '../serializer/describe.js';
import { Encoder } from '../serializer/encode.js';
import { DecodeError, EncodeError } from '../errors.js';
import { type Output } from '../serializer/output.js';
import { IncomingHandles, type IncomingFds, type OutgoingHandles } from '../moving/passing.js';
import { describePath } from '../serializer/paths.js';
import { codecNamed, type ByteCodec } from '../serializer/registry.js';
import { deserialize, serialize, type DeserializeOptions } from '../serializer/serialize.js';
import { isThenable } from './validation.js';

/** Turns a value into bytes. */
export type EncodeFunction = (value: never) => Uint8Array;
/** Turns the bytes of one message into a value, which can't be a promise. They are the function's to keep. */
export type DecodeFunction = (bytes: Buffer) => unknown;

/**
 * How a channel turns values into bytes: the serializer (`default`), `json`, nothing at all (`null`: then only bytes can
 * be put), a function, or the name of a codec that {@link registerCodec} was given.
 */
export type EncoderOption = 'default' | 'json' | null | EncodeFunction | (string & {});
/** As {@link EncoderOption}, for the way back. */
export type DecoderOption = 'default' | 'json' | null | DecodeFunction | (string & {});

export interface MessageEncoder {
  /** Appends a message to `out`, or has it borrow it. Where it throws, what it has appended is void. */
  encode(out: Output, value: unknown, handles: OutgoingHandles): void;
  /** The last message was not sent after all, or the next one goes to someone who has not seen those before. */
  reset(): void;
}

export interface MessageDecoder {
  /**
   * {@link DecodeError}, or whatever a handle's making throws.
   *
   * @param isOwn - nobody else will ever read or write these bytes, if it {@link keepsBytes}: it need not copy them
   */
  decode(bytes: Buffer, start: number, end: number, fds: IncomingFds, isOwn: boolean): unknown;
  /** Whether it has a use for bytes that are its own. */
  readonly keepsBytes: boolean;
  /** What a moved end takes along. */
  exportState(): unknown;
}

/** Bytes of at least this length are sent from where they are: the copy of fewer costs no more than a system call. */
const BORROWED = 256 * 1024;
/** A message that is longer than this came in a buffer that is too large to hold on to, in bytes. */
const HELD = 64 * 1024;

/** Before a message with handles, which ends with their list and that list's length. No message begins with it. */
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
      // The encoder takes its message for sent, and the tables for known on the other side.
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
 * What the list of a message's handles may hold where the message has limits, in values: they are the user's, and the list
 * is not. A handle takes some ten, and as many more as it knows keys if it was read from.
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

/** Whatever is wrong with it, nobody can say then whose the next descriptors are. */
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

const json: ByteCodec = {
  encode: (value) => {
    const text = JSON.stringify(value) as string | undefined;
    if (text === undefined) throw new EncodeError('value', `${kindOf(value)} has no form in JSON`);
    if (text.includes(HANDLE_IN_JSON)) refuseHandles(value);
    return Buffer.from(text);
  },
  decode: (bytes) => JSON.parse(bytes.toString()) as unknown,
};

/** Each shows in JSON as a string, which a string of the user's may be like: so the value is searched for one. */
function refuseHandles(root: unknown): void {
  const seen = new Set<object>();
  const search = (ancestors: readonly object[], value: unknown): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return;
    seen.add(value);
    if (isHandle(value)) throw new EncodeError(describePath(ancestors, value), 'a handle cannot be sent as JSON');
    for (const item of Object.values(value)) search([...ancestors, value], item);
  };
  search([], root);
}

/** A codec of the user's, or one of the simple ones, for either direction. */
class SimpleEncoder implements MessageEncoder {
  constructor(private readonly encodeValue: (value: unknown) => unknown) {}

  encode(out: Output, value: unknown): void {
    const buffer = this.#bytesOf(value);
    if (buffer.length >= BORROWED) out.borrowed = buffer;
    else out.append(buffer);
  }

  #bytesOf(value: unknown): Buffer {
    let bytes: unknown;
    try {
      bytes = this.encodeValue(value);
    } catch (error) {
      if (isError(error)) throw error;
      throw new EncodeError('value', `the encoder threw ${shown(error)}`, { cause: error });
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
  constructor(
    private readonly decodeBytes: (bytes: Buffer) => unknown,
    readonly keepsBytes: boolean,
  ) {}

  decode(bytes: Buffer, start: number, end: number, fds: IncomingFds, isOwn: boolean): unknown {
    // No message of ours refers to any; kept, they would use up our limit of open files.
    fds.closeAll();
    let part: Buffer;
    if (isOwn || !this.keepsBytes) part = bytes.subarray(start, end);
    else bytes.copy((part = Buffer.allocUnsafe(end - start)), 0, start, end);
    try {
      const value = this.decodeBytes(part);
      if (!isThenable(value)) return value;
      // What becomes of it is nobody's business any more.
      void handled(Promise.resolve(value));
      throw new TypeError('it returned a promise: what takes its time is for whoever gets the message');
    } catch (cause) {
      throw new DecodeError(`the decoder failed: ${reasonOf(cause)}`, { cause, fatal: false });
    }
  }

  exportState(): unknown {
    return undefined;
  }
}

/** Throws TypeError for what is no encoder. */
export function resolveEncoder(option: EncoderOption): MessageEncoder {
  if (option === 'default') return new DefaultEncoder();
  if (typeof option === 'function') return new SimpleEncoder(option as (value: unknown) => unknown);
  const { encode } = resolveCodec('encoder', option);
  return new SimpleEncoder(encode);
}

/** Throws TypeError for what is no decoder, or limits that it hasn't. `state` is another one's {@link MessageDecoder.exportState}. */
export function resolveDecoder(option: DecoderOption, limits: DecodeLimits, state?: unknown): MessageDecoder {
  if (option === 'default') return new DefaultDecoder(limits, state);
  if (isLimited(limits)) {
    throw new TypeError("limits: they are the default decoder's; for others there is maxFrameLength");
  }
  if (typeof option === 'function') return new SimpleDecoder(option, true);
  const codec = resolveCodec('decoder', option);
  return new SimpleDecoder(codec.decode, codec !== json);
}

/** Throws TypeError for what are no limits. */
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
  throw new TypeError(
    `${what}: expected ${known}, not ${typeof option === 'string' ? JSON.stringify(option) : kindOf(option)}`,
  );
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

import { DecodeError } from '../errors.js';
import { type MessageDecoder, type MessageEncoder } from './message-codec.js';
import { type IncomingFds } from '../moving/incoming-fds.js';
import { IncomingHandles } from '../moving/incoming-handles.js';
import { type OutgoingHandles } from '../moving/outgoing-handles.js';
import { Decoder } from '../serializer/decode.js';
import { checkLimits, type DecodeLimits } from '../serializer/decode-limits.js';
import { Encoder } from '../serializer/encode.js';
import { type Output } from '../serializer/output.js';
import { deserialize, serialize, type DeserializeOptions } from '../serializer/serialize.js';

/** The buffer of a message that is longer than this is not kept, in bytes. */
const HELD = 64 * 1024;

/** Stands before a message with handles, which ends with their list and the list's length. No other message begins with it. */
const WITH_HANDLES = 0xa2;

/** The serializer, with tables that last as long as the channel. It alone sends handles. */
export class DefaultEncoder implements MessageEncoder {
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

export class DefaultDecoder implements MessageDecoder {
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

  takeUnbuilt(): unknown {
    return this.#decoder.takeUnbuilt();
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

/** Throws TypeError for wrong limits. */
export function isLimited(limits: DecodeLimits): boolean {
  checkLimits(limits);
  return Object.values(limits).some((limit) => limit !== undefined);
}

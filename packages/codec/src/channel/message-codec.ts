import { type IncomingFds } from '../moving/incoming-fds.js';
import { type OutgoingHandles } from '../moving/outgoing-handles.js';
import { type Output } from '../serializer/output.js';

/** Turns the messages of a channel into bytes. */
export interface MessageEncoder {
  /** Appends a message to `out`, or lets `out` borrow it. If it throws, the caller drops what it has appended. */
  encode(out: Output, value: unknown, handles: OutgoingHandles): void;
  /** Starts with empty tables: the last message was not sent, or the receiver of the next one is new. */
  reset(): void;
}

/** Turns bytes into the messages of a channel. */
export interface MessageDecoder {
  /**
   * Returns a message's value. Throws DecodeError, or what the making of a handle throws.
   *
   * @param isOwn - no other code uses these bytes, so a decoder that {@link keepsBytes} need not copy them
   */
  decode(bytes: Buffer, start: number, end: number, fds: IncomingFds, isOwn: boolean): unknown;
  /** Whether bytes in memory of their own are of use. */
  readonly keepsBytes: boolean;
  /** Returns once the parts of the last message that could be built, if decode() threw an error that is not fatal. */
  takeUnbuilt(): unknown;
  /** Returns the state that moves with the end. */
  exportState(): unknown;
}

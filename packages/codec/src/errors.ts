import { AiopipeError, type AiopipeErrorOptions } from '@aiopipe/core';
import { nameErrors } from '@aiopipe/core/internal';

/**
 * The value holds something that cannot be sent. Nothing of it was sent. `code` is `ERR_AIOPIPE_ENCODE`.
 *
 * @example
 * ```ts
 * import { channel, EncodeError } from '@aiopipe/codec';
 *
 * using pair = channel();
 * try {
 *   await pair[1].put({ jobs: [{ callback: () => {} }] });
 * } catch (error) {
 *   if (!(error instanceof EncodeError)) throw error;
 *   console.log(error.path); // nothing was sent
 * }
 * ```
 * ```text
 * value.jobs[0].callback
 * ```
 */
export class EncodeError extends AiopipeError {
  /** The path to it, as an expression: `value.jobs[3].callback`. */
  readonly path: string;

  constructor(path: string, reason: string, options?: AiopipeErrorOptions) {
    super('ERR_AIOPIPE_ENCODE', `${path}: ${reason}`, options);
    this.path = path;
  }

  static {
    nameErrors(this);
  }
}

/**
 * The bytes that came are not a value that this side can build. `code` is `ERR_AIOPIPE_DECODE`.
 *
 * @example
 * ```ts
 * import { DecodeError, deserialize } from '@aiopipe/codec';
 *
 * try {
 *   deserialize(Buffer.from('not ours'));
 * } catch (error) {
 *   if (!(error instanceof DecodeError)) throw error;
 *   console.log(error.code, error.fatal);
 * }
 * ```
 * ```text
 * ERR_AIOPIPE_DECODE true
 * ```
 */
export class DecodeError extends AiopipeError {
  /**
   * True if the bytes are malformed: the bytes after them on the same connection cannot be trusted. False if the message is
   * well-formed and only its value cannot be built here: its class is unknown, or a `revive` threw.
   */
  readonly fatal: boolean;

  constructor(message: string, options: AiopipeErrorOptions & { fatal?: boolean } = {}) {
    super('ERR_AIOPIPE_DECODE', message, options);
    this.fatal = options.fatal ?? true;
  }

  static {
    nameErrors(this);
  }
}

/**
 * One fault of a message, as a Standard Schema reports it.
 *
 * @see the example of {@link InvalidMessageError}
 */
export interface MessageIssue {
  readonly message: string;
  /** The place in the message: keys, or objects with a `key`. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/**
 * A message is not valid by the schema of `validate()`. The message was taken, its handles were closed, and the channel goes
 * on. `code` is `ERR_AIOPIPE_INVALID_MESSAGE`.
 *
 * @example
 * ```ts
 * import { channel, InvalidMessageError, type StandardSchema } from '@aiopipe/codec';
 *
 * const validate = (value: unknown) => (value === 7 ? { value } : { issues: [{ message: 'not 7' }] });
 * const seven: StandardSchema = { '~standard': { version: 1, vendor: 'example', validate } };
 * using pair = channel<unknown>();
 * await pair[1].put(8);
 * try {
 *   await pair[0].validate(seven).get();
 * } catch (error) {
 *   if (!(error instanceof InvalidMessageError)) throw error;
 *   console.log(error.issues[0]?.message);
 * }
 * ```
 * ```text
 * not 7
 * ```
 */
export class InvalidMessageError extends AiopipeError {
  /** The faults that the schema found. Empty if the schema itself failed: see `cause`. */
  readonly issues: readonly MessageIssue[];

  constructor(message: string, issues: readonly MessageIssue[], options?: AiopipeErrorOptions) {
    super('ERR_AIOPIPE_INVALID_MESSAGE', message, options);
    this.issues = issues;
  }

  static {
    nameErrors(this);
  }
}

/**
 * A frame is longer than `maxFrameLength`. `code` is `ERR_AIOPIPE_FRAME_TOO_LONG`.
 *
 * @example
 * ```ts
 * import { channel, FrameTooLongError } from '@aiopipe/codec';
 *
 * using pair = channel<string>({ maxFrameLength: 100 });
 * try {
 *   await pair[1].put('x'.repeat(1000));
 * } catch (error) {
 *   if (!(error instanceof FrameTooLongError)) throw error;
 *   console.log(error.length > error.maxFrameLength, error.maxFrameLength);
 * }
 * ```
 * ```text
 * true 100
 * ```
 */
export class FrameTooLongError extends AiopipeError {
  /** The length of the frame's payload, in bytes. */
  readonly length: number;
  /** The limit, in bytes. */
  readonly maxFrameLength: number;

  constructor(
    length: number,
    maxFrameLength: number,
    options: AiopipeErrorOptions & { about?: string | undefined; isReceived?: boolean | undefined } = {},
  ) {
    const about = options.about === undefined ? '' : `${options.about}: `;
    // Bytes of another protocol, read as a header, give such lengths.
    const doubt = options.isReceived === true ? ', if the peer sends frames at all' : '';
    super(
      'ERR_AIOPIPE_FRAME_TOO_LONG',
      `${about}a frame of ${String(length)} bytes is over the limit of ${String(maxFrameLength)} bytes; ` +
        `send less at once, or raise maxFrameLength on both sides${doubt}`,
      options,
    );
    this.length = length;
    this.maxFrameLength = maxFrameLength;
  }

  static {
    nameErrors(this);
  }
}

/**
 * The peer has closed, and every message that it sent has been taken. `code` is `ERR_AIOPIPE_END_OF_STREAM`.
 *
 * @example
 * ```ts
 * import { channel, EndOfStreamError } from '@aiopipe/codec';
 *
 * const [reader, writer] = channel<string>();
 * await writer.put('the last one');
 * writer.close();
 * try {
 *   for (;;) console.log(await reader.get());
 * } catch (error) {
 *   if (!(error instanceof EndOfStreamError)) throw error;
 *   console.log('the peer has closed');
 * }
 * ```
 * ```text
 * the last one
 * the peer has closed
 * ```
 */
export class EndOfStreamError extends AiopipeError {
  constructor(message: string, options?: AiopipeErrorOptions) {
    super('ERR_AIOPIPE_END_OF_STREAM', message, options);
  }

  static {
    nameErrors(this);
  }
}

/**
 * Calls that were not awaited have queued more than the limit. `code` is `ERR_AIOPIPE_QUEUE_FULL`.
 *
 * @example
 * ```ts
 * import { channel, QueueFullError } from '@aiopipe/codec';
 *
 * using pair = channel<Buffer>({ queueLimit: 1024 });
 * const [, writer] = pair;
 * try {
 *   for (;;) await Promise.race([writer.put(Buffer.alloc(1024)), undefined]); // does not wait for room
 * } catch (error) {
 *   if (!(error instanceof QueueFullError)) throw error;
 *   console.log(error.code);
 * }
 * ```
 * ```text
 * ERR_AIOPIPE_QUEUE_FULL
 * ```
 */
export class QueueFullError extends AiopipeError {
  constructor(message: string, options?: AiopipeErrorOptions) {
    super('ERR_AIOPIPE_QUEUE_FULL', message, options);
  }

  static {
    nameErrors(this);
  }
}

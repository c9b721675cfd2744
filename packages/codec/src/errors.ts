import { AiopipeError, type AiopipeErrorOptions } from '@aiopipe/core';
import { nameErrors } from '@aiopipe/core/internal';

/** Yours: the value holds something that can't be sent; nothing of it was. `code` is `ERR_AIOPIPE_ENCODE`. */
export class EncodeError extends AiopipeError {
  /** Where in the value it is, as an expression: `value.jobs[3].callback`. */
  readonly path: string;

  constructor(path: string, reason: string, options?: AiopipeErrorOptions) {
    super('ERR_AIOPIPE_ENCODE', `${path}: ${reason}`, options);
    this.path = path;
  }

  static {
    nameErrors(this);
  }
}

/** The peer's: what came isn't a value that this side can build. `code` is `ERR_AIOPIPE_DECODE`. */
export class DecodeError extends AiopipeError {
  /**
   * True where the bytes are malformed: whatever follows them on the same connection can't be trusted. False where
   * the message was well-formed, and only this value can't be built here (an unknown class, a `revive` that threw).
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

/** What is wrong with a message, as a Standard Schema says it. */
export interface MessageIssue {
  readonly message: string;
  /** Where in the message: keys, or objects with a `key`. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/**
 * The peer's: a message isn't as the schema of `validate()` wants it. It was taken, handles in it were closed, and the
 * channel goes on. `code` is `ERR_AIOPIPE_INVALID_MESSAGE`.
 */
export class InvalidMessageError extends AiopipeError {
  /** What the schema found; empty where it threw, and then that is the `cause`. */
  readonly issues: readonly MessageIssue[];

  constructor(message: string, issues: readonly MessageIssue[], options?: AiopipeErrorOptions) {
    super('ERR_AIOPIPE_INVALID_MESSAGE', message, options);
    this.issues = issues;
  }

  static {
    nameErrors(this);
  }
}

/** The peer's, or yours: a frame is longer than `maxFrameLength`. `code` is `ERR_AIOPIPE_FRAME_TOO_LONG`. */
export class FrameTooLongError extends AiopipeError {
  /** The frame's length, in bytes, without its header. */
  readonly length: number;
  /** The limit that it is over, in bytes. */
  readonly maxFrameLength: number;

  constructor(
    length: number,
    maxFrameLength: number,
    options: AiopipeErrorOptions & { about?: string | undefined } = {},
  ) {
    const about = options.about === undefined ? '' : `${options.about}: `;
    super(
      'ERR_AIOPIPE_FRAME_TOO_LONG',
      `${about}a frame of ${String(length)} bytes is over the limit of ${String(maxFrameLength)} (maxFrameLength)`,
      options,
    );
    this.length = length;
    this.maxFrameLength = maxFrameLength;
  }

  static {
    nameErrors(this);
  }
}

/** The peer's: it has closed, and every message that it sent has been taken. `code` is `ERR_AIOPIPE_END_OF_STREAM`. */
export class EndOfStreamError extends AiopipeError {
  constructor(message: string, options?: AiopipeErrorOptions) {
    super('ERR_AIOPIPE_END_OF_STREAM', message, options);
  }

  static {
    nameErrors(this);
  }
}

/** Yours: more is queued by calls that nobody awaits than the limit allows. `code` is `ERR_AIOPIPE_QUEUE_FULL`. */
export class QueueFullError extends AiopipeError {
  constructor(message: string, options?: AiopipeErrorOptions) {
    super('ERR_AIOPIPE_QUEUE_FULL', message, options);
  }

  static {
    nameErrors(this);
  }
}

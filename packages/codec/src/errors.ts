import { AiopipeError, type AiopipeErrorOptions } from '@aiopipe/core';
import { nameErrors } from '@aiopipe/core/internal';

/** The value holds something that cannot be sent. Nothing of it was sent. `code` is `ERR_AIOPIPE_ENCODE`. */
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

/** The bytes that came are not a value that this side can build. `code` is `ERR_AIOPIPE_DECODE`. */
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

/** One fault of a message, as a Standard Schema reports it. */
export interface MessageIssue {
  readonly message: string;
  /** The place in the message: keys, or objects with a `key`. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/**
 * A message is not valid by the schema of `validate()`. The message was taken, its handles were closed, and the channel goes
 * on. `code` is `ERR_AIOPIPE_INVALID_MESSAGE`.
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

/** A frame is longer than `maxFrameLength`. `code` is `ERR_AIOPIPE_FRAME_TOO_LONG`. */
export class FrameTooLongError extends AiopipeError {
  /** The length of the frame's payload, in bytes. */
  readonly length: number;
  /** The limit, in bytes. */
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

/** The peer has closed, and every message that it sent has been taken. `code` is `ERR_AIOPIPE_END_OF_STREAM`. */
export class EndOfStreamError extends AiopipeError {
  constructor(message: string, options?: AiopipeErrorOptions) {
    super('ERR_AIOPIPE_END_OF_STREAM', message, options);
  }

  static {
    nameErrors(this);
  }
}

/** Calls that were not awaited have queued more than the limit. `code` is `ERR_AIOPIPE_QUEUE_FULL`. */
export class QueueFullError extends AiopipeError {
  constructor(message: string, options?: AiopipeErrorOptions) {
    super('ERR_AIOPIPE_QUEUE_FULL', message, options);
  }

  static {
    nameErrors(this);
  }
}

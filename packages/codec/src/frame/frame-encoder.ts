import { FrameTooLongError } from '../errors.js';
import { checkBytes, checkFrameOptions, HEADER_LENGTH, maxFrameLengthOf, type FrameOptions } from './format.js';

/**
 * Puts payloads into frames, for any stream of bytes. Channels use it, too.
 *
 * @example
 * ```ts
 * import { FrameDecoder, FrameEncoder } from '@aiopipe/codec';
 *
 * const frame = new FrameEncoder().encode(Buffer.from('hello'));
 * console.log(frame);
 * const decoder = new FrameDecoder();
 * decoder.push(frame.subarray(0, 6)); // however the stream is cut up
 * decoder.push(frame.subarray(6));
 * console.log(String(decoder.next()));
 * ```
 * ```text
 * <Buffer 00 00 00 05 68 65 6c 6c 6f>
 * hello
 * ```
 */
export class FrameEncoder {
  readonly maxFrameLength: number;

  /** @throws TypeError if an option is wrong */
  constructor(options: FrameOptions = {}) {
    checkFrameOptions(options);
    this.maxFrameLength = maxFrameLengthOf(options);
  }

  /**
   * Returns the frame of a payload, which is copied. To write a large payload without a copy, write `header()`, then the
   * payload.
   *
   * @throws FrameTooLongError if the payload is longer than `maxFrameLength`
   */
  encode(payload: Uint8Array): Buffer {
    checkBytes('encode', payload);
    const frame = Buffer.allocUnsafe(HEADER_LENGTH + payload.length);
    this.writeHeader(payload.length, frame, 0);
    frame.set(payload, HEADER_LENGTH);
    return frame;
  }

  /**
   * Returns the 4 bytes before a payload of this many bytes.
   *
   * @throws FrameTooLongError if the payload is longer than `maxFrameLength`
   */
  header(payloadLength: number): Buffer {
    const header = Buffer.allocUnsafe(HEADER_LENGTH);
    this.writeHeader(payloadLength, header, 0);
    return header;
  }

  /** Writes the header at `position`. `about` names the channel, for the error. @internal */
  writeHeader(payloadLength: number, buffer: Buffer, position: number, about?: () => string): void {
    if (payloadLength > this.maxFrameLength) {
      throw new FrameTooLongError(payloadLength, this.maxFrameLength, { about: about?.() });
    }
    buffer.writeUInt32BE(payloadLength, position);
  }
}

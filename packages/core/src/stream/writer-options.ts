import { checkOptions, optionNames } from '../check/options.js';
import { show } from '../check/show.js';
import { checkMilliseconds } from '../check/milliseconds.js';

/** How a {@link PipeWriter} behaves. */
export interface WriterOptions {
  /** Bytes that may wait for the kernel before `write` makes its caller wait. 64 KiB by default. */
  readonly highWaterMark?: number | undefined;
  /** Milliseconds for which disposal flushes before it gives up. 5000 by default. */
  readonly closeTimeout?: number | undefined;
}

export const DEFAULT_HIGH_WATER_MARK = 64 * 1024;
export const DEFAULT_CLOSE_TIMEOUT = 5000;

export const WRITER_OPTIONS = optionNames<WriterOptions>({ highWaterMark: true, closeTimeout: true });

/** Before the end is opened: then it is still the caller's if they are wrong. */
export function checkWriterOptions(options: WriterOptions = {}): void {
  checkOptions(options, WRITER_OPTIONS);
  checkWriterValues(options);
}

export function checkWriterValues({ highWaterMark, closeTimeout }: WriterOptions): void {
  if (highWaterMark !== undefined && !(typeof highWaterMark === 'number' && highWaterMark >= 0)) {
    throw new RangeError(`highWaterMark: expected a number of bytes, not ${show(highWaterMark)}`);
  }
  checkMilliseconds('closeTimeout', closeTimeout);
}

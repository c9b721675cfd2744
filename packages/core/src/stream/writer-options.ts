import { checkCount } from '../check/count.js';
import { checkOptions, optionNames } from '../check/options.js';
import { checkMilliseconds } from '../check/milliseconds.js';

/**
 * Options of a {@link PipeWriter}.
 *
 * @example
 * ```ts
 * import { popen } from '@aiopipe/subprocess';
 *
 * await using cat = popen(['cat'], { stdin: 'pipe' });
 * const writer = cat.stdin.open({ highWaterMark: 1024 * 1024, closeTimeout: 1000 });
 * await writer.write('hello\n');
 * await writer.close();
 * await cat.wait();
 * ```
 * ```text
 * hello
 * ```
 */
export interface WriterOptions {
  /** The bytes that may be unflushed before `write()` waits. Default: 64 KiB. */
  readonly highWaterMark?: number | undefined;
  /** The milliseconds for which disposal flushes. Default: 5000. */
  readonly closeTimeout?: number | undefined;
}

export const DEFAULT_HIGH_WATER_MARK = 64 * 1024;
export const DEFAULT_CLOSE_TIMEOUT = 5000;

export const WRITER_OPTIONS = optionNames<WriterOptions>({ highWaterMark: true, closeTimeout: true });

/** Throws for wrong options before the end is opened: the caller still has the end then. */
export function checkWriterOptions(options: WriterOptions = {}): void {
  checkOptions(options, WRITER_OPTIONS);
  checkWriterValues(options);
}

export function checkWriterValues({ highWaterMark, closeTimeout }: WriterOptions): void {
  checkCount('highWaterMark', highWaterMark, { of: 'bytes' });
  checkMilliseconds('closeTimeout', closeTimeout);
}

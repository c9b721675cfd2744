import { checkCount } from '../check/count.js';
import { checkOptions, optionNames } from '../check/options.js';

/** Bytes. */
export const DEFAULT_MAX_LINE_LENGTH = 64 * 1024 * 1024;

/**
 * Options of a {@link PipeReader}.
 *
 * @example
 * ```ts
 * import { popen } from '@aiopipe/subprocess';
 *
 * await using program = popen(['echo', 'a short line'], { stdout: 'pipe' });
 * await using reader = program.stdout.open({ maxLineLength: 1024 });
 * console.log(String(await reader.readLine()).trim());
 * ```
 * ```text
 * a short line
 * ```
 */
export interface ReaderOptions {
  /** The most bytes of a line, or before a separator. A longer one rejects with {@link LineTooLongError}. Default: 64 MiB. */
  readonly maxLineLength?: number | undefined;
}

export const READER_OPTIONS = optionNames<ReaderOptions>({ maxLineLength: true });

/** Throws for wrong options before the end is opened: the caller still has the end then. */
export function checkReaderOptions(options: ReaderOptions | undefined): void {
  checkOptions(options, READER_OPTIONS);
  maxLineLength(options ?? {});
}

/** Returns the limit or its default. Throws a TypeError for a wrong one. */
export function maxLineLength({ maxLineLength: length = DEFAULT_MAX_LINE_LENGTH }: ReaderOptions): number {
  checkMaxLineLength(length);
  return length;
}

/** Throws a TypeError for a wrong `maxLineLength` of any call. */
export function checkMaxLineLength(length: unknown): void {
  checkCount('maxLineLength', length, { least: 1, of: 'bytes' });
}

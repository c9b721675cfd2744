import { checkCount } from '../check/count.js';
import { checkOptions, optionNames } from '../check/options.js';

const DEFAULT_MAX_LINE_LENGTH = 64 * 1024 * 1024;

/** Options of a {@link PipeReader}. */
export interface ReaderOptions {
  /** The most bytes of a line, or before a separator. A longer one rejects with {@link LineTooLongError}. Default: 64 MiB. */
  readonly maxLineLength?: number | undefined;
}

export const READER_OPTIONS = optionNames<ReaderOptions>({ maxLineLength: true });

/** The state of a reader for its next owner. */
export interface MovedReader extends ReaderOptions {
  /** The bytes that were read from the kernel and that no call has taken. */
  readonly ahead: Uint8Array;
  readonly ended: boolean;
}

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

/** Throws a TypeError for wrong values: they come from another process. */
export function checkMovedReader(moved: MovedReader): MovedReader {
  maxLineLength(moved);
  if (!(moved.ahead instanceof Uint8Array)) throw new TypeError('ahead: expected bytes');
  return moved;
}

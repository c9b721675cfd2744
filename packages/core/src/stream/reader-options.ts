import { checkOptions, optionNames } from '../check/options.js';
import { show } from '../check/show.js';

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

/** Returns the limit or its default. Throws a RangeError for a wrong one. */
export function maxLineLength({ maxLineLength: length = DEFAULT_MAX_LINE_LENGTH }: ReaderOptions): number {
  if (typeof length === 'number' && length > 0) return length;
  throw new RangeError(`maxLineLength: expected a positive number of bytes, not ${show(length)}`);
}

/** Throws a TypeError or RangeError for wrong values: they come from another process. */
export function checkMovedReader(moved: MovedReader): MovedReader {
  maxLineLength(moved);
  if (!(moved.ahead instanceof Uint8Array)) throw new TypeError('ahead: expected bytes');
  return moved;
}

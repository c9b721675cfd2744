import { checkOptions, optionNames } from '../check/options.js';
import { show } from '../check/show.js';

const DEFAULT_MAX_LINE_LENGTH = 64 * 1024 * 1024;

/** How a {@link PipeReader} behaves. */
export interface ReaderOptions {
  /** Bytes of the longest line, or stretch before a separator, that is looked for. 64 MiB by default. */
  readonly maxLineLength?: number | undefined;
}

export const READER_OPTIONS = optionNames<ReaderOptions>({ maxLineLength: true });

/** What the next owner of a reader opens it with. */
export interface MovedReader extends ReaderOptions {
  /** Read from the kernel, and by nobody yet. */
  readonly ahead: Uint8Array;
  readonly ended: boolean;
}

/** Before the end is opened: then it is still the caller's if they are wrong. */
export function checkReaderOptions(options: ReaderOptions | undefined): void {
  checkOptions(options, READER_OPTIONS);
  maxLineLength(options ?? {});
}

/** Checked before anything is opened. */
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

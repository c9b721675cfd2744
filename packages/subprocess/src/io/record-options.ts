import { checkMaxLineLength, DEFAULT_MAX_LINE_LENGTH, optionNames, show } from '@aiopipe/core/internal';
import { mostBytes } from './most-bytes.js';

/**
 * The type of a record: text in this encoding, or bytes. Use `latin1` or `buffer` for file names: not all are UTF-8.
 *
 * @see the example of {@link LinesOptions}
 */
export type RecordEncoding = 'utf8' | 'latin1' | 'buffer';

/**
 * Options of cutting bytes into records.
 *
 * @see the example of {@link LinesOptions}
 */
export interface RecordOptions<Encoding extends RecordEncoding = RecordEncoding> {
  /** The end of a record, which is not a part of it: a newline by default; `'\0'` for `find -print0`. */
  readonly separator?: string | undefined;
  /** The type of a record: text in this encoding (`utf8` by default), or bytes with `buffer`. */
  readonly encoding?: Encoding | undefined;
  /**
   * Bytes of the longest record, with its separator: 64 MiB by default, and at most what a string or a Buffer can hold. For a
   * longer one `next()` rejects with LineTooLongError, whose `partial` has all bytes of which no record was given.
   */
  readonly maxLineLength?: number | undefined;
}

/** The names of {@link RecordOptions}, for options that extend them. */
export const RECORD_NAMES = { separator: true, encoding: true, maxLineLength: true } as const;

export const RECORD_OPTIONS = optionNames<RecordOptions>(RECORD_NAMES);

/** The same, checked and complete. */
export interface CheckedRecordOptions {
  readonly separator: string;
  readonly encoding: RecordEncoding;
  readonly maxLineLength: number;
}

/** Throws TypeError for bad values, and fills in the defaults. */
export function checkRecordOptions(options: RecordOptions): CheckedRecordOptions {
  const { separator = '\n', encoding = 'utf8', maxLineLength = DEFAULT_MAX_LINE_LENGTH } = options;
  if (typeof separator !== 'string' || separator === '') {
    throw new TypeError(`separator: expected a string that is not empty, not ${show(separator)}`);
  }
  if (encoding !== 'utf8' && encoding !== 'latin1' && encoding !== 'buffer') {
    throw new TypeError(`encoding: expected 'utf8', 'latin1' or 'buffer', not ${show(encoding)}`);
  }
  const asBytes = encoding === 'latin1' ? 'latin1' : 'utf8';
  if (Buffer.from(separator, asBytes).toString(asBytes) !== separator) {
    throw new TypeError(
      `separator: ${show(separator)} cannot be encoded in ${asBytes}, so it cannot occur in the output`,
    );
  }
  checkMaxLineLength(maxLineLength);
  return { separator, encoding, maxLineLength: Math.min(maxLineLength, mostBytes(encoding)) };
}

import { inspect } from 'node:util';
import { optionNames } from '@aiopipe/core/internal';
import { mostBytes } from './most-bytes.js';

/** How the bytes of a record are given: as text, or as they are. File names are `latin1` or `buffer`: not all are UTF-8. */
export type RecordEncoding = 'utf8' | 'latin1' | 'buffer';

/** How bytes are cut into records. */
export interface RecordOptions<Encoding extends RecordEncoding = RecordEncoding> {
  /** What stands between two records, and is no part of them: a newline unless given, `'\0'` for `find -print0`. */
  readonly separator?: string | undefined;
  /** What a record is: text in that encoding (`utf8` by default), or with `buffer` the bytes. */
  readonly encoding?: Encoding | undefined;
  /**
   * Bytes of the longest record, with its separator: 64 MiB by default, and at most what a string or a Buffer can hold. A
   * longer one rejects {@link LineTooLongError}; all bytes of which no record was given are its `partial`.
   */
  readonly maxLineLength?: number | undefined;
}

/** The names of {@link RecordOptions}, for the lists of those that extend it. */
export const RECORD_NAMES = { separator: true, encoding: true, maxLineLength: true } as const;

export const RECORD_OPTIONS = optionNames<RecordOptions>(RECORD_NAMES);

/** What {@link RecordOptions} are once they are checked. */
export interface CheckedRecordOptions {
  readonly separator: string;
  readonly encoding: RecordEncoding;
  readonly maxLineLength: number;
}

/** Bytes. As a reader of the core has it. */
const DEFAULT_MAX_LINE_LENGTH = 64 * 1024 * 1024;

/** Throws a TypeError for bad values, and fills in what is not given. */
export function checkRecordOptions(options: RecordOptions): CheckedRecordOptions {
  const { separator = '\n', encoding = 'utf8', maxLineLength = DEFAULT_MAX_LINE_LENGTH } = options;
  if (typeof separator !== 'string' || separator === '') {
    throw new TypeError(`separator: expected a string that is not empty, not ${inspect(separator)}`);
  }
  if (encoding !== 'utf8' && encoding !== 'latin1' && encoding !== 'buffer') {
    throw new TypeError(`encoding: expected 'utf8', 'latin1' or 'buffer', not ${inspect(encoding)}`);
  }
  const asBytes = encoding === 'latin1' ? 'latin1' : 'utf8';
  if (Buffer.from(separator, asBytes).toString(asBytes) !== separator) {
    throw new TypeError(`separator: ${inspect(separator)} can't be written in ${asBytes}, so no output can hold it`);
  }
  if (typeof maxLineLength !== 'number' || !(maxLineLength > 0)) {
    throw new TypeError(`maxLineLength: expected a positive number of bytes, not ${inspect(maxLineLength)}`);
  }
  return { separator, encoding, maxLineLength: Math.min(maxLineLength, mostBytes(encoding)) };
}

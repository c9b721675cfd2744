import { inspect } from 'node:util';
import { checkOptions } from './command.js';
import { type RecordEncoding } from './records.js';

/** How bytes are cut into records. */
export interface RecordOptions<Encoding extends RecordEncoding = RecordEncoding> {
  /** What stands between two records, and is no part of them: a newline unless given, `'\0'` for `find -print0`. */
  readonly separator?: string | undefined;
  /** What a record is: text in that encoding (`utf8` by default), or with `buffer` the bytes. */
  readonly encoding?: Encoding | undefined;
}

/** Throws a TypeError for bad ones, and fills in what is not given. */
export function checkRecordOptions(options: RecordOptions): { separator: string; encoding: RecordEncoding } {
  checkOptions(options);
  const { separator = '\n', encoding = 'utf8' } = options;
  if (typeof separator !== 'string' || separator === '') {
    throw new TypeError(`separator: expected a string that is not empty, not ${inspect(separator)}`);
  }
  if (encoding !== 'utf8' && encoding !== 'latin1' && encoding !== 'buffer') {
    throw new TypeError(`encoding: expected 'utf8', 'latin1' or 'buffer', not ${inspect(encoding)}`);
  }
  return { separator, encoding };
}

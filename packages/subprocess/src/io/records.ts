import { LineTooLongError } from '@aiopipe/core';
import { Records } from '@aiopipe/core/internal';
import { type CheckedRecordOptions } from './record-options.js';

/** Cuts a stream into records, also if a record spans pieces. Makes each record when it is taken. */
export interface RecordSplitter<T> {
  /** Bytes that are pushed at once, at most. */
  readonly pieceSize: number;
  /** Memory for the next piece, which may be overwritten once its records were taken; undefined: pieces are kept. */
  readonly room: Buffer | undefined;
  /** Set once {@link take} has come to a record over the limit: all bytes of which no record was given. */
  readonly tooLong: Buffer | undefined;
  /** Adds bytes, once {@link take} has given all records. They must not be changed afterwards. */
  push(piece: Buffer): void;
  /** No more bytes will come: those after the last separator are a record. */
  end(): void;
  /** Returns the next record, without its separator; undefined until more bytes come, and once one is too long. */
  take(): T | undefined;
  /** Gives no more records, and takes no more bytes. */
  drop(): void;
}

export function recordSplitter({
  separator,
  encoding,
  maxLineLength,
}: CheckedRecordOptions): RecordSplitter<string | Buffer> {
  const bytes = Buffer.from(separator, encoding === 'latin1' ? 'latin1' : 'utf8');
  // The fast one looks at no lengths within a piece.
  if (encoding !== 'buffer' && bytes.length === 1 && maxLineLength >= DECODED) {
    return new TextSplitter(bytes, encoding, maxLineLength);
  }
  return new QueueSplitter(new Records({ separator: bytes, encoding, maxLineLength }, () => 'records'));
}

/**
 * The text of a larger piece, if one character of it is beyond Latin-1, would be too large for V8's young generation:
 * twice the time, measured with 96 KiB.
 */
const DECODED = 64 * 1024;

/**
 * Decodes all whole records of a piece at once, as {@link Records} does, but needs no memory of its own for each piece. No
 * character lies across a separator of one byte.
 */
class TextSplitter implements RecordSplitter<string> {
  readonly pieceSize = DECODED;
  readonly room = Buffer.allocUnsafeSlow(DECODED);
  readonly #separator: Buffer;
  readonly #encoding: 'utf8' | 'latin1';
  readonly #most: number;
  readonly #separatorText: string;
  /** Whole records, cut when they are taken. The next one begins at `#start`; there is none if that is past the end. */
  #text = '';
  #start = 1;
  /** The record that began in an earlier piece. */
  #joined: string | undefined;
  /** Copies of the bytes whose separator has not come. */
  #rest: Buffer[] = [];
  #restLength = 0;
  #tooLong: Buffer | undefined;
  #isDropped = false;

  constructor(separator: Buffer, encoding: 'utf8' | 'latin1', most: number) {
    this.#separator = separator;
    this.#encoding = encoding;
    this.#most = most;
    this.#separatorText = separator.toString('latin1');
  }

  get tooLong(): Buffer | undefined {
    return this.#tooLong;
  }

  push(piece: Buffer): void {
    if (this.#isDropped) return;
    const last = piece.lastIndexOf(this.#separator);
    const first = last >= 0 && this.#restLength > 0 ? piece.indexOf(this.#separator) : -1;
    // Of the record that began earlier.
    const length = last < 0 ? piece.length : first + 1;
    if (length > 0 && this.#restLength + length > this.#most) {
      this.#tooLong = Buffer.concat([...this.#rest, piece]);
      return;
    }
    if (first >= 0) this.#join(piece.subarray(0, first));
    if (first < last) {
      this.#text = piece.toString(this.#encoding, first + 1, last);
      this.#start = 0;
    }
    if (last + 1 < piece.length) this.#keep(piece.subarray(last + 1));
  }

  #keep(bytes: Buffer): void {
    this.#rest.push(Buffer.from(bytes));
    this.#restLength += bytes.length;
  }

  #join(head: Buffer | undefined): void {
    this.#joined = Buffer.concat(head === undefined ? this.#rest : [...this.#rest, head]).toString(this.#encoding);
    this.#rest = [];
    this.#restLength = 0;
  }

  end(): void {
    if (this.#restLength > 0) this.#join(undefined);
  }

  take(): string | undefined {
    const record = this.#joined;
    if (record === undefined) return this.#start > this.#text.length ? undefined : this.#takeText();
    this.#joined = undefined;
    return record;
  }

  #takeText(): string {
    const start = this.#start;
    const end = this.#text.indexOf(this.#separatorText, start);
    this.#start = end >= 0 ? end + 1 : this.#text.length + 1;
    return end >= 0 ? this.#text.slice(start, end) : this.#text.slice(start);
  }

  drop(): void {
    this.#isDropped = true;
    this.#rest = [];
    this.#restLength = 0;
    this.#joined = undefined;
    this.#text = '';
    this.#start = 1;
  }
}

/** Keeps the pieces, which the records are parts of. */
class QueueSplitter implements RecordSplitter<string | Buffer> {
  /** As a reader gives them, so that records need no copy. */
  readonly pieceSize = 256 * 1024;
  readonly room = undefined;
  readonly #records: Records<string | Buffer>;
  #tooLong: Buffer | undefined;
  #isDropped = false;

  constructor(records: Records<string | Buffer>) {
    this.#records = records;
  }

  get tooLong(): Buffer | undefined {
    return this.#tooLong;
  }

  push(piece: Buffer): void {
    if (!this.#isDropped) this.#records.push(piece);
  }

  end(): void {
    this.#records.end();
  }

  take(): string | Buffer | undefined {
    if (this.#isDropped || this.#tooLong !== undefined) return undefined;
    try {
      return this.#records.take();
    } catch (error) {
      if (!(error instanceof LineTooLongError)) throw error;
      // Told where more is read, so that it ends the source, too.
      this.#tooLong = error.partial;
      return undefined;
    }
  }

  drop(): void {
    this.#isDropped = true;
    this.#records.drop();
  }
}

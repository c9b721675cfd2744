/** How the bytes of a record are given: as text, or as they are. File names are `latin1` or `buffer`: not all are UTF-8. */
export type RecordEncoding = 'utf8' | 'latin1' | 'buffer';

/** Cuts a stream into records, whatever the chunks that it comes in. */
export class RecordSplitter {
  readonly #separator: Buffer;
  readonly #encoding: RecordEncoding;
  /** The beginning of a record whose separator has not come. */
  #pieces: Buffer[] = [];

  constructor(separator: string, encoding: RecordEncoding) {
    this.#separator = Buffer.from(separator, encoding === 'latin1' ? 'latin1' : 'utf8');
    this.#encoding = encoding;
  }

  /** The records that are complete now, without their separators. */
  push(chunk: Buffer): (string | Buffer)[] {
    return this.#encoding !== 'buffer' && this.#separator.length === 1
      ? this.#pushText(chunk, this.#encoding)
      : this.#pushBytes(chunk);
  }

  /** What came after the last separator, if anything did. */
  end(): (string | Buffer)[] {
    return this.#pieces.length === 0 ? [] : [this.#decode(this.#takePieces())];
  }

  /** All records of a chunk are decoded at once and then split: several times as fast as one by one. */
  #pushText(chunk: Buffer, encoding: 'utf8' | 'latin1'): string[] {
    const last = chunk.lastIndexOf(this.#separator);
    if (last < 0) {
      this.#pieces.push(chunk);
      return [];
    }
    const head = chunk.subarray(0, last);
    const whole = this.#pieces.length === 0 ? head : this.#takePieces(head);
    if (last + 1 < chunk.length) this.#pieces.push(chunk.subarray(last + 1));
    return whole.toString(encoding).split(this.#separator.toString('latin1'));
  }

  #pushBytes(chunk: Buffer): (string | Buffer)[] {
    const { length } = this.#separator;
    // A separator may lie across two chunks: so much of what is kept is looked through again.
    let bytes = length === 1 ? chunk : Buffer.concat([this.#takeLast(length - 1), chunk]);
    const records: (string | Buffer)[] = [];
    for (;;) {
      const found = bytes.indexOf(this.#separator);
      if (found < 0) break;
      const record = bytes.subarray(0, found);
      records.push(this.#decode(this.#pieces.length === 0 ? record : this.#takePieces(record)));
      bytes = bytes.subarray(found + length);
    }
    if (bytes.length > 0) this.#pieces.push(bytes);
    return records;
  }

  /** The last `count` bytes of what is kept, or all if there are not as many. */
  #takeLast(count: number): Buffer {
    let bytes: Buffer = Buffer.alloc(0);
    while (bytes.length < count) {
      const piece = this.#pieces.pop();
      if (piece === undefined) break;
      bytes = Buffer.concat([piece, bytes]);
    }
    const over = bytes.length - count;
    if (over <= 0) return bytes;
    this.#pieces.push(bytes.subarray(0, over));
    return bytes.subarray(over);
  }

  #takePieces(last?: Buffer): Buffer {
    const pieces = this.#pieces;
    this.#pieces = [];
    if (last !== undefined) pieces.push(last);
    return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
  }

  #decode(bytes: Buffer): string | Buffer {
    return this.#encoding === 'buffer' ? bytes : bytes.toString(this.#encoding);
  }
}

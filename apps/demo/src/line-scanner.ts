const NEWLINE = 10;

/**
 * Counts lines, and lines that match, in bytes that come in pieces. Bytes are read as Latin-1: every byte is one character,
 * and none is invalid.
 */
export class LineScanner {
  readonly #pattern: RegExp;
  /** The pieces of a line whose end has not come yet. */
  #pending = '';
  lines = 0;
  matches = 0;

  constructor(pattern: RegExp) {
    this.#pattern = pattern;
  }

  push(bytes: Buffer): void {
    const lastNewline = bytes.lastIndexOf(NEWLINE);
    if (lastNewline < 0) {
      this.#pending += bytes.toString('latin1');
      return;
    }
    const text = this.#pending + bytes.toString('latin1', 0, lastNewline + 1);
    this.#pending = bytes.toString('latin1', lastNewline + 1);
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      this.lines++;
      this.#look(text.slice(start, end));
      start = end + 1;
    }
  }

  /** The rest without a newline is a line for grep, and none for wc. */
  end(): void {
    if (this.#pending !== '') this.#look(this.#pending);
    this.#pending = '';
  }

  #look(line: string): void {
    if (this.#pattern.test(line)) this.matches++;
  }
}

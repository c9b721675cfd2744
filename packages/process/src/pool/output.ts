import { StringDecoder } from 'node:string_decoder';
import { type PipeReader, type ReadEnd } from '@aiopipe/core';
import { Timer } from '@aiopipe/core/internal';

/** Bytes of a line. A longer one is published in pieces, so that no worker makes this process hold more. */
const LONGEST_LINE = 64 * 1024;
/** Milliseconds for the output of a worker that has ended. A program that it left behind may still have its stdout. */
const GRACE = 500;
const NEWLINE = 0x0a;

/** The lines of a worker's stdout or stderr. They are read as fast as they come, so the worker never waits. */
export class OutputLines {
  readonly #reader: PipeReader;
  readonly #onLine: (line: string) => void;
  readonly #ended: Promise<void>;

  constructor(end: ReadEnd, onLine: (line: string) => void) {
    this.#reader = end.open();
    this.#onLine = onLine;
    this.#ended = this.#read().catch(() => undefined);
  }

  async #read(): Promise<void> {
    const decoder = new StringDecoder();
    for (;;) {
      const bytes = await this.#reader.readLine({ size: LONGEST_LINE });
      if (bytes.length === 0) return;
      const hasNewline = bytes.at(-1) === NEWLINE;
      const line = decoder.write(hasNewline ? bytes.subarray(0, -1) : bytes);
      this.#onLine(hasNewline ? line + decoder.end() : line);
    }
  }

  /** The worker has ended. Resolves when its last line was read. */
  async close(): Promise<void> {
    const timer = new Timer(() => {
      this.#reader[Symbol.dispose]();
    }, GRACE);
    await this.#ended;
    timer.cancel();
    this.#reader[Symbol.dispose]();
  }

  /** Whether waiting for output keeps this process alive. */
  hold(isHeld: boolean): void {
    if (isHeld) this.#reader.ref();
    else this.#reader.unref();
  }
}

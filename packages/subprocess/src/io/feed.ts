import { BrokenPipeError, ClosedError, type PipeWriter } from '@aiopipe/core';
import { handled } from '@aiopipe/core/internal';
import { ByteStream } from './byte-stream.js';
import { type Chunks } from './chunks.js';

/**
 * Writes chunks to a program, then closes its stdin. If the program stops reading, the writing ends, and nothing else
 * happens: the program's exit tells whether it had enough.
 */
export class Feed {
  /** Resolves at the end of the feed. Rejects with the source's error; then {@link stop} must still be called. Marked as handled. */
  readonly done: Promise<void>;
  readonly #writer: PipeWriter;
  readonly #chunks: ByteStream;
  #isOver = false;

  constructor(writer: PipeWriter, chunks: Chunks) {
    this.#writer = writer;
    this.#chunks = new ByteStream(chunks, 'input');
    this.done = handled(this.#feed());
  }

  /** Whether all is written, or no more will be. */
  get isOver(): boolean {
    return this.#isOver;
  }

  async #feed(): Promise<void> {
    try {
      let isRead = true;
      for await (const chunk of this.#chunks) if (!(isRead = await ifRead(this.#writer.write(chunk)))) break;
      if (isRead) await ifRead(this.#writer.close());
    } catch (error) {
      // Stdin is left open: the program is to be ended, and must not take what came for all of it.
      if (!this.#isOver) throw error;
    }
    this.stop();
  }

  /** Ends the feed at once: drops unwritten bytes, and cancels the source. */
  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#writer.destroy();
    void this.#chunks.return();
  }
}

/** Resolves with false if the reader has gone, or the writer was closed here meanwhile. */
export async function ifRead(written: Promise<void>): Promise<boolean> {
  try {
    await written;
    return true;
  } catch (error) {
    if (error instanceof BrokenPipeError || error instanceof ClosedError) return false;
    throw error;
  }
}

import { type PipeReader } from './reader.js';
import { type PipeWriter } from './writer.js';

/** Both directions of an opened duplex end. Closing the writer alone is a half-close: the peer reads EOF, and can answer. */
export class DuplexStream implements AsyncDisposable {
  readonly reader: PipeReader;
  readonly writer: PipeWriter;

  /** @internal Made by `open()`. */
  constructor(reader: PipeReader, writer: PipeWriter) {
    this.reader = reader;
    this.writer = writer;
  }

  /** Flushes and closes the writer, then closes the reader. */
  async close(): Promise<void> {
    try {
      await this.writer.close();
    } finally {
      this.reader.close();
    }
  }

  /** Closes what is open of the two; flushes for at most the writer's `closeTimeout`. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.writer[Symbol.asyncDispose]();
    } finally {
      this.reader[Symbol.dispose]();
    }
  }
}

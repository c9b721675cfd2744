import { BusyError } from '../errors.js';
import { type Duplex } from 'node:stream';
import { nodeDuplex } from './node-streams.js';
import { forget } from '../fd/collector.js';
import { type Descriptor } from '../fd/descriptor.js';
import { type MovedDuplex } from './moving.js';
import { HANDLE, HANDLE_IN_JSON, type Move } from '../move/handle.js';
import { READABLE, WRITABLE } from '../fd/native.js';
import { type PipeReader } from './reader.js';
import { type Writable } from './writable.js';
import { type PipeWriter } from './writer.js';

/**
 * The reader and the writer of an opened duplex end. Closing the writer alone is a half-close: the peer meets the end of the stream, and can still answer.
 *
 * @example
 * ```ts
 * import { aioduplex } from '@aiopipe/core';
 *
 * const [one, other] = aioduplex();
 * await using client = one.open();
 * await using server = other.open();
 * await client.writer.write('question');
 * await client.writer.close(); // a half-close: the server can still answer
 * console.log(String(await server.reader.read()));
 * await server.writer.write('answer');
 * await server.writer.close();
 * console.log(String(await client.reader.read()));
 * ```
 * ```text
 * question
 * answer
 * ```
 */
export class DuplexStream implements AsyncDisposable {
  readonly reader: PipeReader;
  readonly writer: PipeWriter;

  readonly #descriptor: Descriptor;

  private constructor(reader: PipeReader, writer: PipeWriter, descriptor: Descriptor) {
    this.reader = reader;
    this.writer = writer;
    this.#descriptor = descriptor;
  }

  /** @internal */
  static make(reader: PipeReader, writer: PipeWriter, descriptor: Descriptor): DuplexStream {
    return new DuplexStream(reader, writer, descriptor);
  }

  /** Flushes and closes the writer, then closes the reader. One of them may be closed already. Rejects with {@link BusyError} while a read waits. */
  async close(): Promise<void> {
    if (this.#descriptor.isClosed) throw this.#descriptor.closedError();
    if (this.#descriptor.isReading) {
      throw new BusyError(
        `${this.#descriptor.toString()} cannot be closed while a read waits; await it, or dispose of the stream, which always closes`,
      );
    }
    try {
      if (this.#descriptor.isOpenFor(WRITABLE)) await this.writer.close();
    } finally {
      if (this.#descriptor.isOpenFor(READABLE)) this.reader.close();
    }
  }

  /** Returns two web streams that own the reader and the writer. */
  toWeb(): { readable: ReadableStream<Uint8Array>; writable: WritableStream<Writable> } {
    return { readable: this.reader.toWeb(), writable: this.writer.toWeb() };
  }

  /** Returns a Node.js stream that owns the reader and the writer. The end of its writable half is a half-close. */
  toNode(): Duplex {
    return nodeDuplex(this.reader, this.writer);
  }

  /** @internal */
  [HANDLE](): Move {
    const descriptor = this.#descriptor;
    return {
      kind: 'DuplexStream',
      check: () => {
        if (descriptor.isClosed) throw descriptor.closedError();
        if (descriptor.isOpenFor(READABLE)) this.reader.checkMovable();
        if (descriptor.isOpenFor(WRITABLE)) this.writer.checkMovable();
      },
      pack: () => {
        const reader = descriptor.isOpenFor(READABLE) ? this.reader.pack() : undefined;
        const writer = descriptor.isOpenFor(WRITABLE) ? this.writer.pack() : undefined;
        return { fds: [descriptor.owned], data: { reader, writer } satisfies MovedDuplex };
      },
      leave: (destination) => {
        forget(this.reader);
        forget(this.writer);
        descriptor.release(destination);
      },
    };
  }

  /** Returns a string that names this stream: a handle cannot travel as JSON. */
  toJSON(): string {
    return HANDLE_IN_JSON + this.#descriptor.toString();
  }

  /** Closes both, if they are open. The writer flushes for at most its `closeTimeout`. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.writer[Symbol.asyncDispose]();
    } finally {
      this.reader[Symbol.dispose]();
    }
  }
}

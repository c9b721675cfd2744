import { closeSync, read } from 'node:fs';
import { type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import {
  BrokenPipeError,
  ClosedError,
  type DuplexEnd,
  type FileSource,
  type PipeWriter,
  type ReadEnd,
} from '@aiopipe/core';
import {
  checkSource,
  isEnd,
  isFileHandle,
  isFileSource,
  openFile,
  closedHandle,
  fileError,
} from '@aiopipe/core/internal';
import { show } from '../program/command.js';
import { isChunk, isIterable, iterate, toBytes, type Chunks, type InputChunk } from './chunks.js';
import { Inlet } from './inlet.js';

/**
 * What goes into the stdin of a program or a chain: bytes, a string, a file by its path or open, a pipe end, or anything
 * that yields bytes and strings (a generator, a Node stream, a web stream).
 */
export type Input =
  | string
  | ArrayBufferView
  | FileSource
  | FileHandle
  | ReadEnd
  | DuplexEnd
  | Iterable<InputChunk>
  | AsyncIterable<InputChunk>;

const BLOCK = 64 * 1024;

/** Throws a TypeError for what can't be fed to a program, and for an end as it does when it can't move. */
export function checkInput(input: unknown): asserts input is Input | undefined {
  if (input === undefined || isChunk(input)) return;
  if (isFileHandle(input) || isEnd(input) || isFileSource(input)) checkSource('input', input);
  else if (!isIterable(input)) {
    throw new TypeError(
      `input: expected bytes, a string, { file: path }, a FileHandle, a pipe end or an iterable of bytes and strings, ` +
        `not ${show(input)}`,
    );
  }
  // Of what is there already, all is looked at before anything starts.
  if (!Array.isArray(input)) return;
  for (const [index, chunk] of input.entries()) toBytes(chunk, `input[${String(index)}]`);
}

/** What a program can have as its stdin as it is, so that not a byte of it comes through Node. */
export function isHandedOver(input: Input): input is FileHandle | ReadEnd | DuplexEnd | FileSource {
  return isFileHandle(input) || isEnd(input) || isFileSource(input);
}

/** The same, read here. Nothing is opened before the first chunk is asked for. */
export function chunksOf(input: Input): Chunks {
  if (isChunk(input)) return [input].values();
  if (isFileHandle(input)) return readFile(input);
  if (isEnd(input)) return readEnd(input as ReadEnd | DuplexEnd);
  return isFileSource(input)
    ? readPath(input.file)
    : iterate(input as Iterable<InputChunk> | AsyncIterable<InputChunk>);
}

/** Not by a stream of Node's: that needs `process.nextTick`, which tests replace. */
async function* readPath(file: string): AsyncGenerator<Buffer, void> {
  const fd = openFile(file, 'r', 'the input');
  try {
    for (;;) {
      const { bytesRead, buffer } = await readFd(fd, Buffer.allocUnsafe(BLOCK), 0, BLOCK, null).catch(
        (error: unknown) => {
          throw fileError(error, 'read', `cannot read the input from ${JSON.stringify(file)}`, file);
        },
      );
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    closeSync(fd);
  }
}

const readFd = promisify(read);

/** From its current offset on, which moves along. */
async function* readFile(handle: FileHandle): AsyncGenerator<Buffer, void> {
  for (;;) {
    const { bytesRead, buffer } = await handle
      .read(Buffer.allocUnsafe(BLOCK), 0, BLOCK, null)
      .catch((error: unknown) => {
        throw handle.fd < 0 ? closedHandle('the input', error) : fileError(error, 'read', 'cannot read the input');
      });
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Closes the end with the last chunk, or when no more is wanted, even while it is waited for. */
function readEnd(end: ReadEnd | DuplexEnd): Chunks {
  const stream = end.open();
  const chunks = ('reader' in stream ? stream.reader : stream)[Symbol.asyncIterator]();
  const close = () => {
    end[Symbol.dispose]();
  };
  return {
    async next() {
      const next = await chunks.next();
      if (next.done === true) close();
      return next;
    },
    return() {
      close();
      return Promise.resolve({ done: true, value: undefined });
    },
  };
}

/**
 * Writes what comes to a program, then closes its stdin. A program that stops reading ends the feeding, and that is all
 * it does: its exit tells whether it had enough.
 */
export class Feed {
  /** Resolves when it is over; rejects with what the source threw, and then {@link stop} is still to be called. */
  readonly done: Promise<void>;
  readonly #writer: PipeWriter;
  readonly #chunks: Inlet;
  #isOver = false;

  constructor(writer: PipeWriter, chunks: Chunks) {
    this.#writer = writer;
    this.#chunks = new Inlet(chunks, 'input');
    this.done = this.#feed();
    this.done.catch(() => undefined);
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

  /** Ends it at once: what is not written is dropped, and the source is told that no more is wanted. */
  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#writer.destroy();
    void this.#chunks.return();
  }
}

/** False if nobody reads any more, or it was closed here meanwhile. */
export async function ifRead(written: Promise<void>): Promise<boolean> {
  try {
    await written;
    return true;
  } catch (error) {
    if (error instanceof BrokenPipeError || error instanceof ClosedError) return false;
    throw error;
  }
}

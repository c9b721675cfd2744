import { type FileHandle } from 'node:fs/promises';
import { inspect } from 'node:util';
import { BrokenPipeError, ClosedError, type DuplexEnd, type PipeWriter, type ReadEnd } from '@aiopipe/core';
import { HANDLE } from '@aiopipe/core/internal';
import { isEnd, isFileHandle } from './stdio.js';

/** What a program can be fed with, piece by piece. A string goes as UTF-8. */
export type InputChunk = string | ArrayBufferView;

/**
 * What goes into the stdin of a program or a chain: bytes, a string, an open file, a pipe end, or anything that yields
 * bytes and strings (a generator, a Node stream, a web stream).
 */
export type Input =
  string | ArrayBufferView | FileHandle | ReadEnd | DuplexEnd | Iterable<InputChunk> | AsyncIterable<InputChunk>;

const BLOCK = 64 * 1024;

/** Throws a TypeError for what can't be fed to a program. */
export function checkInput(input: unknown): asserts input is Input | undefined {
  if (input === undefined || typeof input === 'string' || ArrayBuffer.isView(input)) return;
  if (isFileHandle(input)) return;
  if (isEnd(input)) {
    if (input[HANDLE]().pack().kind !== 'WriteEnd') return;
    throw new TypeError('input: the program reads there, so it takes a ReadEnd, not a WriteEnd');
  }
  if (typeof input === 'object' && input !== null && (Symbol.asyncIterator in input || Symbol.iterator in input))
    return;
  throw new TypeError(
    `input: expected bytes, a string, a FileHandle, a pipe end or an iterable of bytes and strings, ` +
      `not ${inspect(input, { depth: 0 })}`,
  );
}

/** What a program can have as its stdin as it is, so that not a byte of it comes through Node. */
export function isHandedOver(input: Input): input is FileHandle | ReadEnd | DuplexEnd {
  return isFileHandle(input) || isEnd(input);
}

type Chunks = Iterator<InputChunk, unknown> | AsyncIterator<InputChunk, unknown>;

function chunksOf(input: Input): Chunks {
  if (typeof input === 'string' || ArrayBuffer.isView(input)) return [input].values();
  if (isFileHandle(input)) return readFile(input);
  if (isEnd(input)) return readEnd(input as ReadEnd | DuplexEnd);
  const iterable = input as Iterable<InputChunk> | AsyncIterable<InputChunk>;
  return Symbol.asyncIterator in iterable ? iterable[Symbol.asyncIterator]() : iterable[Symbol.iterator]();
}

/** From its current offset on, which moves along. */
async function* readFile(handle: FileHandle): AsyncGenerator<Buffer, void> {
  for (;;) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(BLOCK), 0, BLOCK, null);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

async function* readEnd(end: ReadEnd | DuplexEnd): AsyncGenerator<Buffer, void> {
  const stream = end.open();
  try {
    yield* 'reader' in stream ? stream.reader : stream;
  } finally {
    end[Symbol.dispose]();
  }
}

/**
 * Writes an input to a program, then closes its stdin. A program that stops reading ends the feeding, and that is all
 * it does: its exit tells whether it had enough.
 */
export class Feed {
  /** Resolves when it is over; rejects with what the input itself threw. */
  readonly done: Promise<void>;
  readonly #writer: PipeWriter;
  readonly #chunks: Chunks;
  #isOver = false;
  #inputEnded = false;

  constructor(writer: PipeWriter, input: Input) {
    this.#writer = writer;
    this.#chunks = chunksOf(input);
    this.done = this.#feed();
    this.done.catch(() => undefined);
  }

  async #feed(): Promise<void> {
    try {
      while (!this.#isOver) {
        const next = await this.#chunks.next();
        if (next.done === true) {
          this.#inputEnded = true;
          await ifRead(this.#writer.close());
          return;
        }
        if (!(await this.#write(next.value))) return;
      }
    } finally {
      this.stop();
    }
  }

  #write(chunk: unknown): Promise<boolean> {
    if (typeof chunk !== 'string' && !ArrayBuffer.isView(chunk)) {
      throw new TypeError(`input: expected bytes or strings from the iterable, not ${inspect(chunk, { depth: 0 })}`);
    }
    return ifRead(this.#writer.write(chunk));
  }

  /** Ends it at once: what is not written is dropped, and the input is told that no more is wanted. */
  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#writer.destroy();
    if (this.#inputEnded) return;
    // Not awaited: an input that waits for something itself may never answer.
    void (async () => this.#chunks.return?.())().catch(() => undefined);
  }
}

/** False if nobody reads any more, or it was closed here meanwhile. */
async function ifRead(written: Promise<void>): Promise<boolean> {
  try {
    await written;
    return true;
  } catch (error) {
    if (error instanceof BrokenPipeError || error instanceof ClosedError) return false;
    throw error;
  }
}

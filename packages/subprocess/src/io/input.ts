import { closeSync, read } from 'node:fs';
import { type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type DuplexEnd, type FileSource, type ReadEnd } from '@aiopipe/core';
import {
  checkSource,
  closedHandle,
  fileError,
  isEnd,
  isFileHandle,
  isFileSource,
  openFile,
  show,
} from '@aiopipe/core/internal';
import { isChunk, isIterable, iterate, lazily, toBytes, type Chunks, type InputChunk } from './chunks.js';

/**
 * The input of a program or a chain: bytes, a string, a file by its path or open, a pipe end, or anything
 * that yields bytes and strings (a generator, a Node stream, a web stream).
 *
 * @example
 * ```ts
 * import { pipeline } from '@aiopipe/subprocess';
 *
 * async function* words() {
 *   yield 'one ';
 *   yield Buffer.from('two');
 * }
 * console.log((await pipeline(['wc', '-w']).run({ input: words() })).stdout.trim());
 * console.log((await pipeline(['wc', '-w']).run({ input: { file: '/dev/null' } })).stdout.trim());
 * ```
 * ```text
 * 2
 * 0
 * ```
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

/** Throws a TypeError for what cannot be an input, and as an end does that cannot move. */
export function checkInput(input: unknown): asserts input is Input | undefined {
  if (input === undefined) return;
  if (isChunk(input)) toBytes(input, 'input');
  else if (isFileHandle(input) || isEnd(input) || isFileSource(input)) checkSource('input', input);
  else if (!isIterable(input)) {
    throw new TypeError(
      `input: expected bytes, a string, { file: path }, a FileHandle, a pipe end or an iterable of bytes and strings, ` +
        `not ${show(input)}`,
    );
  }
  // The chunks of an array are there already: a wrong one is refused before anything starts.
  if (!Array.isArray(input)) return;
  for (const [index, chunk] of input.entries()) toBytes(chunk, `input[${String(index)}]`);
}

/** Whether a program can have it as its stdin itself, so that no byte of it comes through Node. */
export function isHandedOver(input: Input): input is FileHandle | ReadEnd | DuplexEnd | FileSource {
  return isFileHandle(input) || isEnd(input) || isFileSource(input);
}

/** Returns the chunks of an input, to be read here. Nothing is opened before the first one is asked for. */
export function chunksOf(input: Input): Chunks {
  return lazily(() => openInput(input));
}

function openInput(input: Input): Chunks {
  if (isChunk(input)) return [input].values();
  if (isFileHandle(input)) return readHandle(input);
  if (isEnd(input)) return readEnd(input as ReadEnd | DuplexEnd);
  return isFileSource(input)
    ? readPath(input.file)
    : iterate(input as Iterable<InputChunk> | AsyncIterable<InputChunk>);
}

/** Not by a stream of Node's: that needs `process.nextTick`, which tests replace. */
async function* readPath(file: string): AsyncGenerator<Buffer, void> {
  const fd = openFile(file, 'r', 'the input');
  try {
    const about = `cannot read the input from ${JSON.stringify(file)}`;
    yield* readFile(
      (buffer) => readFd(fd, buffer, 0, BLOCK, null),
      (error) => fileError(error, 'read', about, file),
    );
  } finally {
    closeSync(fd);
  }
}

const readFd = promisify(read);

/** Reads from the current offset on, which moves along. */
function readHandle(handle: FileHandle): AsyncGenerator<Buffer, void> {
  return readFile(
    (buffer) => handle.read(buffer, 0, BLOCK, null),
    (error) => (handle.fd < 0 ? closedHandle('the input', error) : fileError(error, 'read', 'cannot read the input')),
  );
}

/** @param explain - makes our error of what `readSome` rejects with */
async function* readFile(
  readSome: (buffer: Buffer) => Promise<{ readonly bytesRead: number }>,
  explain: (error: unknown) => unknown,
): AsyncGenerator<Buffer, void> {
  for (;;) {
    const buffer = Buffer.allocUnsafe(BLOCK);
    let count: number;
    try {
      count = (await readSome(buffer)).bytesRead;
    } catch (error) {
      throw explain(error);
    }
    if (count === 0) return;
    yield buffer.subarray(0, count);
  }
}

/** Closes the end with the last chunk, or when no more is wanted, also while a read waits. */
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

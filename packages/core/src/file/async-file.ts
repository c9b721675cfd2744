import { type PathLike } from 'node:fs';
import {
  asSource,
  openPath,
  openSource,
  type AsyncFileFlags,
  type AsyncFileSource,
  type Streams,
} from './async-file-source.js';
import { AiopipeError, BusyError, IncompleteReadError, TimeoutError } from '../errors.js';
import { isNetSocket, untilIdle } from './net-socket.js';
import { optionNames } from '../check/options.js';
import { type PipeReader } from '../stream/reader.js';
import { show } from '../check/show.js';
import { refuse, WAIT_OPTIONS, type WaitOptions } from '../wait/pending.js';
import { toBuffer, type Writable } from '../stream/writable.js';
import { type PipeWriter } from '../stream/writer.js';

/** Options of {@link AsyncFile.read} and {@link AsyncFile.write}. */
export interface AsyncFileOptions extends WaitOptions {
  /** Not less than was asked for, unless the end of the stream or the timeout comes first. */
  readonly full?: boolean | undefined;
}

/** Options of {@link AsyncFile.readLine}. */
export interface ReadLineOptions extends WaitOptions {
  /**
   * How long a line is about, in bytes: as the `sizehint` of asyncfile's `readline`, where it is the size of each read. Here
   * each read takes as much as there is, so that it makes no difference.
   */
  readonly sizeHint?: number | undefined;
}

const FILE_OPTIONS = optionNames<AsyncFileOptions>({ signal: true, timeout: true, full: true });
const READ_LINE_OPTIONS = optionNames<ReadLineOptions>({ signal: true, timeout: true, sizeHint: true });

/** A pipe or a socket that can be written promises room for this many bytes: PIPE_BUF. */
const SURE_TO_FIT = 4096;

/**
 * A pipe, FIFO, terminal or connection with calls in the manner of a file: sizes and timeouts instead of streams. It is
 * for where the amount counts; {@link PipeReader} and {@link PipeWriter} are the way for all else.
 */
export class AsyncFile implements AsyncDisposable {
  readonly #reader: PipeReader | undefined;
  readonly #writer: PipeWriter | undefined;
  #isReading = false;
  #isWriting = false;

  /** Takes `source` over; see {@link AsyncFileSource} for what that means for each kind. */
  constructor(source: AsyncFileSource) {
    const { reader, writer } = openSource(source, AsyncFile as unknown as () => unknown);
    this.#reader = reader;
    this.#writer = writer;
  }

  /**
   * As the constructor, but of a `net.Socket` that is still connecting or has bytes to write it waits until it is
   * connected and has written them. `options` limit that wait; where it fails, the socket is still the caller's.
   */
  static async from(source: AsyncFileSource, options?: WaitOptions): Promise<AsyncFile> {
    const refusal = refuse(options, WAIT_OPTIONS);
    if (refusal !== undefined) throw refusal;
    if (isNetSocket(source)) await untilIdle(source, options);
    return AsyncFile.#of(openSource(source, AsyncFile.from));
  }

  /**
   * The FIFO or terminal at `path`. It must be there: nothing is made, and nothing is emptied.
   *
   * No side waits for the other, as open(2) would: a FIFO that nobody writes to yet can be opened, and the first read
   * waits for a writer. One that nobody reads yet can't be opened for writing: `ENXIO`.
   */
  static async open(path: PathLike, flags: AsyncFileFlags = 'r'): Promise<AsyncFile> {
    return AsyncFile.#of(openPath(path, flags, AsyncFile.open));
  }

  static #of(streams: Streams): AsyncFile {
    return new AsyncFile(asSource(streams));
  }

  /** Whether a read has met the end of the stream, and all before it has been read. */
  get atEof(): boolean {
    return this.#needReader().atEof;
  }

  /**
   * Up to `size` bytes, at least one; with `full` exactly `size`. With 0, the default, all until the end of the stream.
   * At the end of the stream what is left, and empty after that.
   *
   * A timeout returns what has come until then; if nothing has, it rejects {@link TimeoutError}. An abort takes nothing.
   */
  async read(size = 0, options: AsyncFileOptions = {}): Promise<Buffer> {
    const reader = this.#needReader();
    checkSize('size', size);
    const refusal = refuse(options, FILE_OPTIONS);
    if (refusal !== undefined) throw refusal;
    const { full, ...wait } = options;
    return this.#whileReading(async () => {
      try {
        if (size === 0) return await reader.read(undefined, wait);
        if (full !== true) return await reader.read(size, wait);
        return await reader.readExactly(size, wait);
      } catch (error) {
        if (error instanceof IncompleteReadError) return error.partial;
        if (!(error instanceof TimeoutError)) throw error;
        return (await whatIsThere(reader, size === 0 ? Infinity : size)) ?? Promise.reject(error);
      }
    });
  }

  /**
   * A line with its newline, or with a `size` above 0 at most so many bytes of it: the next call goes on there. Without
   * a newline what is left at the end of the stream, and empty after that. A timeout rejects {@link TimeoutError}: no part
   * of the line is lost.
   */
  async readLine(size = 0, options: ReadLineOptions = {}): Promise<Buffer> {
    const reader = this.#needReader();
    checkSize('size', size);
    const refusal = refuse(options, READ_LINE_OPTIONS);
    if (refusal !== undefined) throw refusal;
    const { sizeHint = 0, ...wait } = options;
    checkSize('sizeHint', sizeHint);
    return this.#whileReading(() => reader.readLine({ ...wait, size: size === 0 ? undefined : size }));
  }

  /**
   * Waits until something can be written, writes as much as fits, and returns how many bytes that were; with `full`
   * goes on until all of it is written. The data may be changed after that, not before.
   *
   * A timeout returns how many bytes were written until then; if none were, it rejects {@link TimeoutError}. What it
   * doesn't count is not written later either. One write at a time: {@link BusyError}.
   */
  async write(data: Writable, options: AsyncFileOptions = {}): Promise<number> {
    const writer = this.#needWriter();
    if (this.#isWriting) throw new BusyError('another write of this file is still waiting');
    this.#isWriting = true;
    try {
      const bytes = toBuffer(data);
      const refusal = refuse(options, FILE_OPTIONS);
      if (refusal !== undefined) throw refusal;
      const { full, ...wait } = options;
      if (writer.unflushed > 0) await writer.drain(wait);
      if (full === true) return await writeAll(writer, bytes, wait);
      const atOnce = await writeWhatFits(writer, bytes);
      if (atOnce > 0 || bytes.length === 0) return atOnce;
      const first = await writeAll(writer, bytes.subarray(0, SURE_TO_FIT), wait);
      return first < SURE_TO_FIT ? first : first + (await writeWhatFits(writer, bytes.subarray(SURE_TO_FIT)));
    } finally {
      this.#isWriting = false;
    }
  }

  /** Flushes and closes. {@link ClosedError} the second time, {@link BusyError} while a read or write waits. */
  async close(): Promise<void> {
    if (this.#isReading || this.#isWriting) throw new BusyError('this file can’t be closed while a call on it waits');
    try {
      await this.#writer?.close();
    } finally {
      this.#reader?.close();
    }
  }

  /** Closes what is not closed yet; what waits rejects {@link ClosedError}. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#writer?.[Symbol.asyncDispose]();
    } finally {
      this.#reader?.[Symbol.dispose]();
    }
  }

  /** Whether a read or write that waits keeps the process alive; it does unless {@link unref} was called. */
  ref(): this {
    this.#reader?.ref();
    this.#writer?.ref();
    return this;
  }

  /** A read or write that waits no longer keeps the process alive. */
  unref(): this {
    this.#reader?.unref();
    this.#writer?.unref();
    return this;
  }

  async #whileReading<T>(read: () => Promise<T>): Promise<T> {
    if (this.#isReading) throw new BusyError('another read of this file is still waiting');
    this.#isReading = true;
    try {
      return await read();
    } finally {
      this.#isReading = false;
    }
  }

  #needReader(): PipeReader {
    if (this.#reader === undefined) throw wrongDirection('writing');
    return this.#reader;
  }

  #needWriter(): PipeWriter {
    if (this.#writer === undefined) throw wrongDirection('reading');
    return this.#writer;
  }
}

/** Undefined if there is nothing. */
async function whatIsThere(reader: PipeReader, size: number): Promise<Buffer | undefined> {
  try {
    return await reader.read(size, { timeout: 0 });
  } catch (error) {
    if (error instanceof TimeoutError) return undefined;
    throw error;
  }
}

async function writeAll(writer: PipeWriter, bytes: Buffer, options: WaitOptions): Promise<number> {
  const written = writer.write(bytes, options);
  try {
    await written;
    await writer.drain(options);
    return bytes.length;
  } catch (error) {
    const count = bytes.length - writer.retract();
    if (error instanceof TimeoutError && count > 0) return count;
    throw error;
  }
}

async function writeWhatFits(writer: PipeWriter, bytes: Buffer): Promise<number> {
  void writer.write(bytes);
  const flushed = writer.drain();
  const rest = writer.retract();
  await flushed;
  return bytes.length - rest;
}

function checkSize(name: string, size: unknown): void {
  if (typeof size === 'number' && size >= 0) return;
  throw new RangeError(`${name}: expected a number of bytes, not ${show(size)}`);
}

function wrongDirection(only: string): AiopipeError {
  return new AiopipeError('ERR_AIOPIPE_WRONG_DIRECTION', `this file is open for ${only} only`);
}

import { type PathLike } from 'node:fs';
import { asSource, openSource, type AsyncFileSource } from './async-file-source.js';
import { AiopipeError, BusyError, IncompleteReadError, TimeoutError } from '../errors.js';
import { isNetSocket, untilIdle } from './net-socket.js';
import { type Streams } from './open-fd.js';
import { openPath, type AsyncFileFlags } from './open-path.js';
import { refuseFlag } from '../check/flag.js';
import { optionNames } from '../check/options.js';
import { type PipeReader } from '../stream/reader.js';
import { show } from '../check/show.js';
import { refuse, WAIT_OPTIONS, type WaitOptions } from '../wait/pending.js';
import { toBuffer, type Writable } from '../stream/writable.js';
import { type PipeWriter } from '../stream/writer.js';

/**
 * Options of {@link AsyncFile.read} and {@link AsyncFile.write}.
 *
 * @see the example of {@link AsyncFile}
 */
export interface AsyncFileOptions extends WaitOptions {
  /** Waits for the whole size, unless the end of the stream or the timeout comes first. Default: false. */
  readonly full?: boolean | undefined;
}

/**
 * Options of {@link AsyncFile.readLine}.
 *
 * @example
 * ```ts
 * import { aiopipe, AsyncFile } from '@aiopipe/core';
 *
 * const [rx, tx] = aiopipe();
 * await using input = new AsyncFile(rx);
 * await using output = new AsyncFile(tx);
 * await output.write('ready\n');
 * console.log(String(await input.readLine(0, { timeout: 1000 })).trim());
 * ```
 * ```text
 * ready
 * ```
 */
export interface ReadLineOptions extends WaitOptions {
  /**
   * The expected bytes of a line, as the `sizehint` of asyncfile's `readline`. It makes no difference here: each read takes
   * all bytes that are there.
   */
  readonly sizeHint?: number | undefined;
}

const FILE_OPTIONS = optionNames<AsyncFileOptions>({ signal: true, timeout: true, full: true });
const READ_LINE_OPTIONS = optionNames<ReadLineOptions>({ signal: true, timeout: true, sizeHint: true });

/** A writable pipe or socket has room for so many bytes: PIPE_BUF. */
const SURE_TO_FIT = 4096;

/**
 * A pipe, FIFO, terminal or connection with the calls of a file: sizes and timeouts instead of streams. Use it if the number
 * of bytes matters, and {@link PipeReader} and {@link PipeWriter} otherwise.
 *
 * @example
 * ```ts
 * import { aiopipe, AsyncFile } from '@aiopipe/core';
 *
 * const [rx, tx] = aiopipe();
 * await using input = new AsyncFile(rx);
 * const output = new AsyncFile(tx);
 * await output.write('first line\nrest', { full: true });
 * await output.close();
 * console.log(String(await input.readLine()).trim());
 * console.log(String(await input.read(4, { full: true, timeout: 1000 })));
 * ```
 * ```text
 * first line
 * rest
 * ```
 */
export class AsyncFile implements AsyncDisposable {
  readonly #reader: PipeReader | undefined;
  readonly #writer: PipeWriter | undefined;
  #isReading = false;
  #isWriting = false;

  /** Takes `source` over: see {@link AsyncFileSource}. */
  constructor(source: AsyncFileSource) {
    const { reader, writer } = openSource(source, AsyncFile as unknown as () => unknown);
    this.#reader = reader;
    this.#writer = writer;
  }

  /**
   * Takes `source` over as the constructor does. If it is a `net.Socket` that is still connecting or has bytes to write,
   * waits for that first, within the limits of `options`. If the wait fails, the caller still owns the socket.
   */
  static async from(source: AsyncFileSource, options?: WaitOptions): Promise<AsyncFile> {
    const refusal = refuse(options, WAIT_OPTIONS);
    if (refusal !== undefined) throw refusal;
    if (isNetSocket(source)) await untilIdle(source, options);
    return AsyncFile.#of(openSource(source, AsyncFile.from));
  }

  /**
   * Opens the FIFO or terminal at `path`. It must exist: no file is created or truncated.
   *
   * It does not wait for the other side, as open(2) would. A FIFO without a writer can be opened, and the first read waits
   * for a writer. A FIFO without a reader cannot be opened for writing: the call rejects with `ENXIO`.
   */
  static async open(path: PathLike, flags: AsyncFileFlags = 'r'): Promise<AsyncFile> {
    return AsyncFile.#of(openPath(path, flags, AsyncFile.open));
  }

  static #of(streams: Streams): AsyncFile {
    return new AsyncFile(asSource(streams));
  }

  /** Whether a read has met the end of the stream, and all bytes were read. */
  get atEof(): boolean {
    return this.#needReader().atEof;
  }

  /**
   * Reads up to `size` bytes, and at least one; exactly `size` with `full`. With 0, the default, reads all bytes until the
   * end of the stream. Resolves with fewer bytes at the end of the stream, and with none after it.
   *
   * At a timeout, resolves with the bytes that have come, or rejects with {@link TimeoutError} if none have. An abort loses
   * no byte.
   */
  async read(size = 0, options: AsyncFileOptions = {}): Promise<Buffer> {
    const reader = this.#needReader();
    checkSize('size', size);
    const refusal = refuse(options, FILE_OPTIONS) ?? refuseFlag('full', options.full);
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
   * Reads a line with its newline. With a `size` above 0, reads at most so many bytes of it: the next call goes on there.
   * The last line may have no newline; after it, resolves with no bytes. A timeout rejects with {@link TimeoutError}, and no
   * part of the line is lost.
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
   * Waits until there is room, writes as many bytes as fit, and resolves with their number. With `full`, writes all of
   * them. Do not change the data before the promise settles.
   *
   * At a timeout, resolves with the number of bytes that were written, or rejects with {@link TimeoutError} if none were.
   * Other bytes are not written later. Rejects with {@link BusyError} while another write waits.
   */
  async write(data: Writable, options: AsyncFileOptions = {}): Promise<number> {
    const writer = this.#needWriter();
    if (this.#isWriting) throw new BusyError(`${writer.name}: another write is still waiting; await it first`);
    this.#isWriting = true;
    try {
      const bytes = toBuffer(data);
      const refusal = refuse(options, FILE_OPTIONS) ?? refuseFlag('full', options.full);
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

  /** Flushes and closes. Rejects with {@link ClosedError} if it is closed already, with {@link BusyError} while a call waits. */
  async close(): Promise<void> {
    if (this.#isReading || this.#isWriting)
      throw new BusyError(
        `${this.#name} cannot be closed while a read or write of it waits; await it, or dispose of the file, which always closes`,
      );
    try {
      await this.#writer?.close();
    } finally {
      this.#reader?.close();
    }
  }

  /** Closes, if it is not closed yet. Calls that wait reject with {@link ClosedError}. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#writer?.[Symbol.asyncDispose]();
    } finally {
      this.#reader?.[Symbol.dispose]();
    }
  }

  /** A read or write that waits keeps the process alive, which is the default. */
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
    if (this.#isReading) throw new BusyError(`${this.#name}: another read is still waiting; await it first`);
    this.#isReading = true;
    try {
      return await read();
    } finally {
      this.#isReading = false;
    }
  }

  /** The name in messages: that of its reader or writer. */
  get #name(): string {
    return String(this.#reader?.name ?? this.#writer?.name);
  }

  #needReader(): PipeReader {
    if (this.#reader === undefined) throw wrongDirection(this.#name, 'writing', 'read', 'reading');
    return this.#reader;
  }

  #needWriter(): PipeWriter {
    if (this.#writer === undefined) throw wrongDirection(this.#name, 'reading', 'written', 'writing');
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
  throw new RangeError(`${name}: expected a number of bytes, 0 or more, not ${show(size)}`);
}

function wrongDirection(name: string, only: string, done: string, doing: string): AiopipeError {
  return new AiopipeError(
    'ERR_AIOPIPE_WRONG_DIRECTION',
    `${name} is open for ${only} only, so it cannot be ${done}; open it for ${doing}, too (flags 'r+'), or use another end`,
  );
}

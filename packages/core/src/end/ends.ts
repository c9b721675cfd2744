import { checkOptions, optionNames } from '../check/options.js';
import { End } from './end.js';
import { SystemError } from '../errors.js';
import { Descriptor } from '../fd/descriptor.js';
import { native, READABLE, WRITABLE } from '../fd/native.js';
import { OwnedFd } from '../fd/owned-fd.js';
import { inspectFd, type Transport } from '../fd/transport.js';
import { registerHandleKind } from '../move/handle.js';
import { DuplexStream } from '../stream/duplex-stream.js';
import { checkMovedReader, checkState, type MovedDuplex } from '../stream/moving.js';
import { PipeReader } from '../stream/reader.js';
import { checkReaderOptions, maxLineLength, type ReaderOptions } from '../stream/reader-options.js';
import { PipeWriter } from '../stream/writer.js';
import { checkWriterOptions, checkWriterValues, type WriterOptions } from '../stream/writer-options.js';

/**
 * The reading end of a pipe.
 *
 * @example
 * ```ts
 * import { aiopipe } from '@aiopipe/core';
 * import { popen } from '@aiopipe/subprocess';
 *
 * const [rx, tx] = aiopipe();
 * await using echo = popen(['echo', 'hello'], { stdout: tx });
 * await using cat = popen(['cat'], { stdin: rx }); // moves: the program has it now
 * await cat.wait();
 * ```
 * ```text
 * hello
 * ```
 */
export class ReadEnd extends End {
  /** @internal */
  protected override readonly kind = 'ReadEnd';

  private constructor(owned: OwnedFd, transport: Transport) {
    super(owned, transport, READABLE);
  }

  /** @internal */
  static make(owned: OwnedFd, transport: Transport): ReadEnd {
    return new ReadEnd(owned, transport);
  }

  /**
   * Makes an end of a descriptor that is open for reading: a pipe, a socket, a terminal. The end owns it then. Throws if it does not fit.
   *
   * In a worker thread, do not adopt a descriptor that `node:fs` opened, `fs.openSync(fifo)` say. Node closes it when the thread
   * ends, also if its number belongs to another file by then. `AsyncFile.open()` opens a FIFO or a terminal there.
   */
  static fromFd(fd: number): ReadEnd {
    return ReadEnd.make(...adopt(fd, READABLE, 'read end', ReadEnd.fromFd));
  }

  /** Opens a reader over this end, at once. The end is `open` then. */
  open(options?: ReaderOptions): PipeReader {
    checkReaderOptions(options);
    return PipeReader.make(this.openDescriptor(), options);
  }
}

/**
 * The writing end of a pipe.
 *
 * @example
 * ```ts
 * import { aiopipe } from '@aiopipe/core';
 * import { popen } from '@aiopipe/subprocess';
 *
 * const [rx, tx] = aiopipe();
 * await using program = popen(['cat'], { stdin: rx });
 * const writer = tx.open();
 * await writer.write('hello\n');
 * await writer.close();
 * await program.wait();
 * ```
 * ```text
 * hello
 * ```
 */
export class WriteEnd extends End {
  /** @internal */
  protected override readonly kind = 'WriteEnd';

  private constructor(owned: OwnedFd, transport: Transport) {
    super(owned, transport, WRITABLE);
  }

  /** @internal */
  static make(owned: OwnedFd, transport: Transport): WriteEnd {
    return new WriteEnd(owned, transport);
  }

  /**
   * Makes an end of a descriptor that is open for writing: a pipe, a socket, a terminal. The end owns it then. Throws if it does not fit.
   *
   * In a worker thread, do not adopt a descriptor that `node:fs` opened, `fs.openSync(fifo)` say. Node closes it when the thread
   * ends, also if its number belongs to another file by then. `AsyncFile.open()` opens a FIFO or a terminal there.
   */
  static fromFd(fd: number): WriteEnd {
    return WriteEnd.make(...adopt(fd, WRITABLE, 'write end', WriteEnd.fromFd));
  }

  /** Opens a writer over this end, at once. The end is `open` then. */
  open(options?: WriterOptions): PipeWriter {
    checkWriterOptions(options);
    return PipeWriter.make(this.openDescriptor(), options);
  }
}

const STREAM_OPTIONS = optionNames<ReaderOptions & WriterOptions>({
  maxLineLength: true,
  highWaterMark: true,
  closeTimeout: true,
});

/**
 * An end of a duplex pipe. Each end reads what the other one writes.
 *
 * @example
 * ```ts
 * import { aioduplex } from '@aiopipe/core';
 * import { popen } from '@aiopipe/subprocess';
 *
 * const [ours, theirs] = aioduplex();
 * await using cat = popen(['cat'], { stdin: theirs, stdout: 'pipe' }); // it reads what we write
 * await using output = cat.stdout.open();
 * const { writer, reader } = ours.open();
 * await writer.write('hello');
 * await writer.close();
 * console.log(String(await output.read()));
 * reader.close();
 * ```
 * ```text
 * hello
 * ```
 */
export class DuplexEnd extends End {
  /** @internal */
  protected override readonly kind = 'DuplexEnd';

  private constructor(owned: OwnedFd, transport: Transport) {
    super(owned, transport, READABLE | WRITABLE);
  }

  /** @internal */
  static make(owned: OwnedFd, transport: Transport): DuplexEnd {
    return new DuplexEnd(owned, transport);
  }

  /** Makes an end of a connected socket or of a terminal. The end owns it then. Throws if it does not fit. See {@link ReadEnd.fromFd} for worker threads. */
  static fromFd(fd: number): DuplexEnd {
    return DuplexEnd.make(...adopt(fd, READABLE | WRITABLE, 'duplex end', DuplexEnd.fromFd));
  }

  /** Opens a reader and a writer over this end, at once. The end is `open` then. */
  open(options?: ReaderOptions & WriterOptions): DuplexStream {
    checkOptions(options, STREAM_OPTIONS);
    maxLineLength(options ?? {});
    checkWriterValues(options ?? {});
    const descriptor = this.openDescriptor();
    return DuplexStream.make(PipeReader.make(descriptor, options), PipeWriter.make(descriptor, options), descriptor);
  }
}

registerHandleKind('ReadEnd', (fds) => ReadEnd.make(...receive(fds, READABLE, 'read end')));
registerHandleKind('WriteEnd', (fds) => WriteEnd.make(...receive(fds, WRITABLE, 'write end')));
registerHandleKind('DuplexEnd', (fds) => DuplexEnd.make(...receive(fds, READABLE | WRITABLE, 'duplex end')));

registerHandleKind('PipeReader', (fds, data) => {
  const options = checkMovedReader(data);
  return PipeReader.make(receiveOpen(fds, READABLE, 'read end'), options);
});
registerHandleKind('PipeWriter', (fds, data) => {
  const options = data as WriterOptions;
  checkWriterOptions(options);
  return PipeWriter.make(receiveOpen(fds, WRITABLE, 'write end'), options);
});
registerHandleKind('DuplexStream', (fds, data) => {
  const { reader, writer } = checkState<MovedDuplex>('duplex stream', data);
  if (reader !== undefined) checkMovedReader(reader);
  checkWriterOptions(writer);
  const directions = (reader === undefined ? 0 : READABLE) | (writer === undefined ? 0 : WRITABLE);
  if (directions === 0) throw new TypeError('a duplex stream arrived without a direction');
  const descriptor = receiveOpen(fds, directions, 'duplex end');
  return DuplexStream.make(PipeReader.make(descriptor, reader), PipeWriter.make(descriptor, writer), descriptor);
});

type EndParts = [owned: OwnedFd, transport: Transport];

/** Throws before it takes the descriptor over, if it does not fit: the caller still has it then. */
function adopt(fd: number, directions: number, what: string, maker?: (...args: never[]) => unknown): EndParts {
  const transport = inspectFd(fd, directions, what);
  const result = native().setCloseOnExec(fd);
  if (result < 0) throw new SystemError(result, 'fcntl', `fd ${String(fd)}`);
  return [new OwnedFd(fd, what, maker), transport];
}

/** Takes over a descriptor that moved here. Other processes may have its open file description, such as the sender. */
function receive(fds: readonly number[], directions: number, what: string): EndParts {
  const [fd = -1] = fds;
  if (fds.length !== 1) throw new TypeError(`a ${what} needs one descriptor, but ${String(fds.length)} arrived`);
  return adopt(fd, directions, what);
}

/** Takes over a descriptor as {@link receive} does, and opens it. If it throws, the caller still has the descriptor. */
function receiveOpen(fds: readonly number[], directions: number, what: string): Descriptor {
  const [owned, transport] = receive(fds, directions, what);
  try {
    return new Descriptor(owned, transport, directions);
  } catch (error) {
    owned.take();
    throw error;
  }
}

import { EventEmitter } from 'node:events';
import { closeSync, constants, openSync, statSync, type PathLike } from 'node:fs';
import { type FileHandle } from 'node:fs/promises';
import { type Socket } from 'node:net';
import { describeFd } from '../fd/description.js';
import { Descriptor } from '../fd/descriptor.js';
import { type DuplexStream } from '../stream/duplex-stream.js';
import { type DuplexEnd, type ReadEnd, type WriteEnd } from '../end/ends.js';
import { AiopipeError, ClosedError, SystemError } from '../errors.js';
import { isHandle } from '../move/handle.js';
import { native, READABLE, WRITABLE } from '../fd/native.js';
import { emptySocket, fdOfSocket, isNetSocket } from './net-socket.js';
import { OwnedFd } from '../fd/owned-fd.js';
import { PipeReader } from '../stream/reader.js';
import { show } from '../check/show.js';
import { inspectFd, type Transport } from '../fd/transport.js';
import { PipeWriter } from '../stream/writer.js';

/**
 * The sources of an {@link AsyncFile}. The file owns the source, and closes it when it closes. If the constructor throws,
 * the caller still owns the source.
 *
 * - A descriptor (a number) of a pipe, FIFO, terminal or socket. The file closes it.
 * - A `FileHandle` of a FIFO or terminal: the file works on a duplicate of its descriptor, and the handle is closed.
 *   No call of the handle may be running.
 * - A connected `net.Socket`, with the bytes that it has read ahead. The object is destroyed, and calls on it throw
 *   {@link MovedError}. Bytes that its listeners got before are not read again.
 * - An end, which is opened, or a stream that is open already.
 */
export type AsyncFileSource =
  number | FileHandle | Socket | ReadEnd | WriteEnd | DuplexEnd | PipeReader | PipeWriter | DuplexStream;

/** How {@link AsyncFile.open} opens: for reading, for writing, or for both. Nothing is made or emptied. */
export type AsyncFileFlags = 'r' | 'w' | 'r+';

const FLAGS: Record<AsyncFileFlags, number> = {
  r: constants.O_RDONLY,
  w: constants.O_WRONLY,
  'r+': constants.O_RDWR,
};

type Maker = (...args: never[]) => unknown;

/** The streams of a source: one direction, or both. */
export interface Streams {
  readonly reader: PipeReader | undefined;
  readonly writer: PipeWriter | undefined;
}

/** @param maker - what the user called; the frame above it is named in messages */
export function openSource(source: AsyncFileSource, maker: Maker): Streams {
  if (typeof source === 'number') return openFd(source, maker);
  if (typeof source !== 'object' || (source as unknown) === null) throw wrongSource(source);
  if (isNetSocket(source)) return openSocket(source, maker);
  if (isFileHandle(source)) return openHandle(source, maker);
  if (opened.has(source)) return source as Streams;
  // By the brand, not by the class: it may come from another copy of this package.
  if (!isHandle(source)) throw wrongSource(source);
  if ('detach' in source) return openSource(source.open(), maker);
  if ('reader' in source && 'toWeb' in source) return source;
  if ('readExactly' in source) return { reader: source, writer: undefined };
  if ('write' in source && 'retract' in source) return { reader: undefined, writer: source };
  throw wrongSource(source);
}

/** The values that {@link asSource} accepted. */
const opened = new WeakSet();

/** Streams that were opened here, for the constructor of an `AsyncFile`. */
export function asSource(streams: Streams): AsyncFileSource {
  opened.add(streams);
  return streams as AsyncFileSource;
}

/** Opens a FIFO or a terminal by its path. If no process writes to a FIFO yet, it is at its beginning, not at its end. */
export function openPath(path: PathLike, flags: AsyncFileFlags, maker: Maker): Streams {
  const mode = FLAGS[flags] as number | undefined;
  if (mode === undefined) throw new TypeError(`flags: expected 'r', 'w' or 'r+', not ${String(flags)}`);
  const name = String(path);
  let fdOfNode: number;
  try {
    // A FIFO would block until its other side is opened. A terminal must not become the one that controls us.
    fdOfNode = openSync(path, mode | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    throw explainOpen(error as NodeJS.ErrnoException, path, name);
  }
  // In a worker thread Node closes this descriptor when the thread ends, unless node:fs closes it: so it stays Node's.
  const fd = native().duplicate(fdOfNode);
  closeSync(fdOfNode);
  if (fd < 0) throw new SystemError(fd, 'fcntl', `${name} cannot be duplicated`);
  return orClose(fd, () => {
    try {
      return openFd(fd, maker, READABLE | WRITABLE, (...args) => new FifoDescriptor(...args), false);
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_AIOPIPE_NOT_POLLABLE') throw error;
      throw new AiopipeError(
        'ERR_AIOPIPE_NOT_POLLABLE',
        `${name} is always ready (a regular file or a device), so it cannot be polled; ` +
          'use node:fs for it (fs.promises.readFile, fs.createReadStream)',
        { cause: error },
      );
    }
  });
}

function openHandle(handle: FileHandle, maker: Maker): Streams {
  if (handle.fd < 0) throw new ClosedError('this FileHandle is closed');
  const streams = openDuplicate(handle.fd, maker);
  // The handle closes its own descriptor, now or when it is collected. That cannot harm a duplicate.
  handle.close().catch(() => undefined);
  return streams;
}

function openSocket(socket: Socket, maker: Maker): Streams {
  return openDuplicate(fdOfSocket(socket), maker, READABLE | WRITABLE, (...args) => {
    const descriptor = new DescriptorWithMore(...args);
    descriptor.readAhead = emptySocket(socket);
    return descriptor;
  });
}

function openDuplicate(fd: number, maker: Maker, wanted?: number, makeDescriptor?: MakeDescriptor): Streams {
  const duplicate = native().duplicate(fd);
  if (duplicate < 0) throw new SystemError(duplicate, 'fcntl', `fd ${String(fd)} cannot be duplicated`);
  return orClose(duplicate, () => openFd(duplicate, maker, wanted, makeDescriptor));
}

type MakeDescriptor = (owned: OwnedFd, transport: Transport, directions: number) => Descriptor;

/**
 * Opens a descriptor in the directions that it allows. If this throws, the caller still owns the descriptor.
 *
 * @param isShared - whether others may have the same open file description: not if it was opened here, non-blocking
 */
function openFd(
  fd: number,
  maker: Maker,
  wanted = READABLE | WRITABLE,
  makeDescriptor: MakeDescriptor = (...args) => new Descriptor(...args),
  isShared = true,
): Streams {
  if (!Number.isInteger(fd) || fd < 0) throw new TypeError(`expected a descriptor (a whole number), not ${String(fd)}`);
  const described = describeFd(fd);
  const can =
    typeof described === 'number' ? 0 : (described.canRead ? READABLE : 0) | (described.canWrite ? WRITABLE : 0);
  const directions = can & wanted;
  const transport = { ...inspectFd(fd, directions === WRITABLE ? WRITABLE : READABLE, 'file'), isShared };
  const closed = native().setCloseOnExec(fd);
  if (closed < 0) throw new SystemError(closed, 'fcntl', `fd ${String(fd)}`);

  if (directions !== (READABLE | WRITABLE) || transport.isSocket || !isShared) {
    return streamsOver(
      makeOwned(fd, maker, (owned) => makeDescriptor(owned, transport, directions)),
      directions,
    );
  }
  // Other processes may share the description, so each direction gets its own.
  const other = openDuplicate(fd, maker, WRITABLE);
  try {
    const descriptor = makeOwned(fd, maker, (owned) => new Descriptor(owned, transport, READABLE));
    return { reader: new PipeReader(descriptor), writer: other.writer };
  } catch (error) {
    other.writer?.destroy();
    throw error;
  }
}

function streamsOver(descriptor: Descriptor, directions: number): Streams {
  return {
    reader: directions & READABLE ? new PipeReader(descriptor) : undefined,
    writer: directions & WRITABLE ? new PipeWriter(descriptor) : undefined,
  };
}

/** If `use` throws, the caller still owns the descriptor. */
function makeOwned(fd: number, maker: Maker, use: (owned: OwnedFd) => Descriptor): Descriptor {
  const owned = new OwnedFd(fd, 'file', maker);
  try {
    return use(owned);
  } catch (error) {
    owned.take();
    throw error;
  }
}

/** Closes `fd` if `use` throws: the descriptor was opened or duplicated here, so no other code closes it. */
function orClose<T>(fd: number, use: () => T): T {
  try {
    return use();
  } catch (error) {
    native().close(fd);
    throw error;
  }
}

/** Gives the bytes that the previous owner had read ahead, then new bytes. */
class DescriptorWithMore extends Descriptor {
  readAhead: Buffer = Buffer.alloc(0);

  override read(bytes: Buffer, offset: number, length: number): number {
    if (this.readAhead.length === 0) return super.read(bytes, offset, length);
    const count = this.readAhead.copy(bytes, offset, 0, length);
    this.readAhead = this.readAhead.subarray(count);
    return count;
  }
}

/**
 * A FIFO that was opened without waiting for a writer reads as ended until a writer comes. The poll of the loop is right:
 * it reports no end before there was a writer.
 */
class FifoDescriptor extends Descriptor {
  #hadEvent = false;

  override read(bytes: Buffer, offset: number, length: number): number {
    this.#hadEvent = true;
    return super.read(bytes, offset, length);
  }

  override get mayReadNow(): boolean {
    return this.#hadEvent && super.mayReadNow;
  }
}

function isFileHandle(value: object): value is FileHandle {
  return 'appendFile' in value && 'fd' in value && typeof value.fd === 'number';
}

function explainOpen(error: NodeJS.ErrnoException, path: PathLike, name: string): Error {
  if (error.errno === undefined) return error; // an argument of the wrong type
  let about = name;
  if (error.code === 'ENXIO') {
    about += isSocketPath(path)
      ? ' is a socket: connect to it with node:net, and make an AsyncFile of the connection'
      : ' cannot be opened for writing: no process has it open for reading yet';
  }
  return new SystemError(error.errno, 'open', about, { path: name, cause: error });
}

function isSocketPath(path: PathLike): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isSocket() === true;
}

function wrongSource(source: unknown): TypeError {
  const what = typeof source === 'object' ? nameOfObject(source) : show(source);
  return new TypeError(
    `AsyncFile: expected a descriptor (a whole number), a FileHandle, a net.Socket, an end or a stream, not ${what}${hint(source)}`,
  );
}

function nameOfObject(source: object | null): string {
  const name: unknown = source?.constructor?.name;
  return typeof name === 'string' && name !== '' ? name : show(source);
}

/** What to use instead. */
function hint(source: unknown): string {
  if (typeof source === 'string') return '; to open a path, call AsyncFile.open()';
  if (!(source instanceof EventEmitter)) return '';
  const isFile = 'path' in source && 'close' in source;
  return isFile
    ? '; a regular file is always ready, so it cannot be polled: use its own calls'
    : '; a stream of node:stream has no descriptor: use its own calls';
}

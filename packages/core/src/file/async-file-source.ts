import { EventEmitter } from 'node:events';
import { type FileHandle } from 'node:fs/promises';
import { type Socket } from 'node:net';
import { Descriptor } from '../fd/descriptor.js';
import { type DuplexStream } from '../stream/duplex-stream.js';
import { type DuplexEnd, type ReadEnd, type WriteEnd } from '../end/ends.js';
import { ClosedError } from '../errors.js';
import { isHandle } from '../move/handle.js';
import { READABLE, WRITABLE } from '../fd/native.js';
import { emptySocket, fdOfSocket, isNetSocket } from './net-socket.js';
import { openDuplicate, openFd, type Maker, type Streams } from './open-fd.js';
import { type PipeReader } from '../stream/reader.js';
import { show } from '../check/show.js';
import { type PipeWriter } from '../stream/writer.js';

/**
 * The sources of an {@link AsyncFile}. The file owns the source, and closes it when it closes. If the constructor throws,
 * the caller still owns the source.
 *
 * - A descriptor (a number) of a pipe, FIFO, terminal or socket. The file closes it. In a worker thread, do not pass one that
 *   `node:fs` opened: Node closes it, too, when the thread ends.
 * - A `FileHandle` of a FIFO or terminal: the file works on a duplicate of its descriptor, and the handle is closed.
 *   No call of the handle may be running.
 * - A connected `net.Socket`, with the bytes that it has read ahead. The object is destroyed, and calls on it throw
 *   {@link MovedError}. Bytes that its listeners got before are not read again.
 * - An end, which is opened, or a stream that is open already.
 *
 * @see the example of {@link AsyncFile}
 */
export type AsyncFileSource =
  | number
  | FileHandle
  | Socket
  | ReadEnd
  | WriteEnd
  | DuplexEnd
  | PipeReader
  | PipeWriter
  | DuplexStream;

/** Opens the streams of a source. If it throws, the caller still owns the source. */
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

function openHandle(handle: FileHandle, maker: Maker): Streams {
  if (handle.fd < 0) throw new ClosedError('this FileHandle is closed');
  const streams = openDuplicate(handle.fd, maker);
  // The handle closes its own descriptor, now or when it is collected. That cannot harm a duplicate.
  handle.close().catch(() => undefined);
  return streams;
}

function openSocket(socket: Socket, maker: Maker): Streams {
  return openDuplicate(
    fdOfSocket(socket, 'use: await AsyncFile.from(socket)'),
    maker,
    READABLE | WRITABLE,
    (...args) => {
      const descriptor = new DescriptorWithMore(...args);
      descriptor.readAhead = emptySocket(socket, 'an AsyncFile');
      return descriptor;
    },
  );
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

function isFileHandle(value: object): value is FileHandle {
  return 'appendFile' in value && 'fd' in value && typeof value.fd === 'number';
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

/** Returns the end of a message: the call to use instead. */
function hint(source: unknown): string {
  if (typeof source === 'string') return '; to open a path, call AsyncFile.open()';
  if (!(source instanceof EventEmitter)) return '';
  const isFile = 'path' in source && 'close' in source;
  return isFile
    ? '; a regular file is always ready, so it cannot be polled: use its own calls'
    : '; a stream of node:stream has no descriptor: use its own calls';
}

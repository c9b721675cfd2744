import { closeWhenDropped, forget } from '../fd/collector.js';
import { Descriptor } from '../fd/descriptor.js';
import { DuplexStream, type MovedDuplex } from '../stream/duplex-stream.js';
import { BusyError, ClosedError, MovedError, SystemError } from '../errors.js';
import { HANDLE, HANDLE_IN_JSON, registerHandleKind, type Handle, type Move } from '../move/handle.js';
import { native, READABLE, WRITABLE } from '../fd/native.js';
import { checkOptions, optionNames } from '../check/options.js';
import { OwnedFd } from '../fd/owned-fd.js';
import { PipeReader } from '../stream/reader.js';
import {
  checkMovedReader,
  checkReaderOptions,
  maxLineLength,
  type MovedReader,
  type ReaderOptions,
} from '../stream/reader-options.js';
import { show } from '../check/show.js';
import { inspectFd, LOCAL_SOCKET, PIPE, type Transport } from '../fd/transport.js';
import { PipeWriter } from '../stream/writer.js';
import { checkWriterOptions, checkWriterValues, type WriterOptions } from '../stream/writer-options.js';

/**
 * Who has the descriptor: this object (`owned`), a stream of it (`open`), the callback or block that it was lent to and
 * with which it ends (`detached`), another process (`moved`), nobody (`closed`).
 */
export type EndState = 'owned' | 'open' | 'detached' | 'moved' | 'closed';

/** What the three kinds of end have in common. @internal */
export abstract class End implements Handle {
  readonly #owned: OwnedFd;
  readonly #transport: Transport;
  readonly #directions: number;
  #state: EndState = 'owned';
  #descriptor: Descriptor | undefined;
  #destination = '';

  /** @internal Ends are made by `aiopipe()`, `aioduplex()` and `fromFd()`. */
  constructor(owned: OwnedFd, transport: Transport, directions: number) {
    this.#owned = owned;
    this.#transport = transport;
    this.#directions = directions;
    closeWhenDropped(this, owned);
  }

  /** Who has the descriptor now. */
  get state(): EndState {
    if (this.#state !== 'open' || !this.#descriptor?.isClosed) return this.#state;
    return this.#descriptor.isMoved ? 'moved' : 'closed';
  }

  /** The descriptor's number, while it is ours: {@link ClosedError} or {@link MovedError} after that. */
  get fd(): number {
    if (this.state !== 'owned' && this.state !== 'open') throw this.#goneError();
    this.#owned.wasRead = true;
    return this.#owned.number;
  }

  /**
   * Closes at once. {@link BusyError} while a read or write of its stream waits, {@link ClosedError} the second time
   * and after it was handed on.
   */
  close(): void {
    const { state } = this;
    if (state === 'open') {
      const descriptor = this.#descriptor as Descriptor;
      if (descriptor.isBusy)
        throw new BusyError(`${this.#owned.toString()} can't be closed: a read or write of it waits`);
      descriptor.closeSide(READABLE | WRITABLE);
    } else if (state === 'owned') {
      this.#leave('closed');
      this.#owned.close();
    } else {
      throw this.#goneError();
    }
    this.#state = 'closed';
  }

  /** The number, which is the caller's to close from now on. */
  release(): number {
    this.#assertOwned('released');
    this.#leave('moved', 'release(): its number is the caller’s to close');
    return this.#owned.take();
  }

  /** Closes what is not closed yet, and never throws for what is; what waits rejects {@link ClosedError}. */
  [Symbol.dispose](): void {
    if (this.state === 'owned') this.close();
    else if (this.state === 'open') this.#descriptor?.dispose();
  }

  /**
   * Lends the descriptor to a child that is started within the block or the callback; after it, it is closed here,
   * whatever happened. `child.fd` is the number to give to the spawn.
   *
   * ```ts
   * tx.detach((child) => spawn(command, args, { stdio: ['inherit', 'inherit', 'inherit', child.fd] }));
   * ```
   */
  detach(): DetachedEnd;
  detach<T>(callback: (child: DetachedEnd) => T): T;
  detach<T>(callback?: (child: DetachedEnd) => T): DetachedEnd | T {
    if (callback !== undefined && typeof callback !== 'function') {
      throw new TypeError(`detach: expected a function or nothing, not ${typeof callback}`);
    }
    this.#assertOwned('detached');
    this.#leave('detached', 'detach()');
    const child = new DetachedEnd(this.#owned);
    if (callback === undefined) return child;
    try {
      const result = callback(child);
      if (isThenable(result)) {
        result.then(undefined, () => undefined);
        throw new TypeError(
          'detach: the callback returned a promise, but the end is closed as soon as the callback returns; ' +
            'start the child in it, and await outside',
        );
      }
      return result;
    } finally {
      child[Symbol.dispose]();
    }
  }

  /** @internal */
  [HANDLE](): Move {
    return {
      kind: this.kind,
      check: () => {
        this.#assertOwned('moved');
      },
      pack: () => ({ fds: [this.#owned] }),
      leave: (destination) => {
        this.#leave('moved', destination);
      },
    };
  }

  /** Not what it is, but enough to know it by: a handle has no form in JSON. */
  toJSON(): string {
    return HANDLE_IN_JSON + this.#owned.toString();
  }

  /** The kind's name on the way to another process. @internal */
  protected abstract readonly kind: string;

  /** @internal */
  protected openDescriptor(): Descriptor {
    this.#assertOwned('opened');
    const descriptor = new Descriptor(this.#owned, this.#transport, this.#directions);
    this.#leave('open');
    this.#descriptor = descriptor;
    return descriptor;
  }

  #assertOwned(what: string): void {
    if (this.#state === 'owned') return;
    if (this.state === 'open') {
      const hint = what === 'moved' ? ' (the stream that open() returned can be, while it is idle)' : '';
      throw new BusyError(`${this.#owned.toString()} can't be ${what}: it is open already${hint}`);
    }
    throw this.#goneError();
  }

  #leave(state: EndState, destination = ''): void {
    forget(this);
    this.#state = state;
    this.#destination = destination;
  }

  #goneError(): ClosedError {
    if (this.#descriptor?.isMoved) return this.#descriptor.closedError();
    const name = this.#owned.toString();
    if (this.state === 'closed') return new ClosedError(`${name} is closed`);
    return new MovedError(`${name} is not here any more: it was handed to ${this.#destination}`);
  }
}

/** An end that was lent by `detach()`: for the spawn of the child that gets it. It is closed here with its scope. */
export class DetachedEnd implements Disposable {
  readonly #owned: OwnedFd;

  /** @internal */
  constructor(owned: OwnedFd) {
    this.#owned = owned;
    closeWhenDropped(this, owned);
  }

  /** The number to give to the spawn. */
  get fd(): number {
    if (this.#owned.number < 0)
      throw new ClosedError(`${this.#owned.toString()} is closed: the scope of its detach() ended`);
    return this.#owned.number;
  }

  [Symbol.dispose](): void {
    forget(this);
    this.#owned.close();
  }
}

/** The end of a pipe that bytes come out of. */
export class ReadEnd extends End {
  protected override readonly kind = 'ReadEnd';

  /** Adopts a descriptor that is open for reading: a pipe, a socket, a terminal. It is ours to close then. */
  static fromFd(fd: number): ReadEnd {
    return new ReadEnd(...adopt(fd, READABLE, 'read end', ReadEnd.fromFd));
  }

  /** A stream over this end. Synchronous; the end is `open` from now on. */
  open(options?: ReaderOptions): PipeReader {
    checkReaderOptions(options);
    return new PipeReader(this.openDescriptor(), options);
  }
}

/** The end of a pipe that bytes go into. */
export class WriteEnd extends End {
  protected override readonly kind = 'WriteEnd';

  /** Adopts a descriptor that is open for writing: a pipe, a socket, a terminal. It is ours to close then. */
  static fromFd(fd: number): WriteEnd {
    return new WriteEnd(...adopt(fd, WRITABLE, 'write end', WriteEnd.fromFd));
  }

  /** A stream over this end. Synchronous; the end is `open` from now on. */
  open(options?: WriterOptions): PipeWriter {
    checkWriterOptions(options);
    return new PipeWriter(this.openDescriptor(), options);
  }
}

const STREAM_OPTIONS = optionNames<ReaderOptions & WriterOptions>({
  maxLineLength: true,
  highWaterMark: true,
  closeTimeout: true,
});

/** One of the two ends of a duplex pipe: what goes into one comes out of the other. */
export class DuplexEnd extends End {
  protected override readonly kind = 'DuplexEnd';

  /** Adopts a connected socket. It is ours to close then. */
  static fromFd(fd: number): DuplexEnd {
    return new DuplexEnd(...adopt(fd, READABLE | WRITABLE, 'duplex end', DuplexEnd.fromFd));
  }

  /** Two streams over this end. Synchronous; the end is `open` from now on. */
  open(options?: ReaderOptions & WriterOptions): DuplexStream {
    checkOptions(options, STREAM_OPTIONS);
    maxLineLength(options ?? {});
    checkWriterValues(options ?? {});
    const descriptor = this.openDescriptor();
    return new DuplexStream(new PipeReader(descriptor, options), new PipeWriter(descriptor, options), descriptor);
  }
}

registerHandleKind('ReadEnd', (fds) => new ReadEnd(...receive(fds, READABLE, 'read end')));
registerHandleKind('WriteEnd', (fds) => new WriteEnd(...receive(fds, WRITABLE, 'write end')));
registerHandleKind('DuplexEnd', (fds) => new DuplexEnd(...receive(fds, READABLE | WRITABLE, 'duplex end')));

registerHandleKind('PipeReader', (fds, data) => {
  const luggage = checkMovedReader(data as MovedReader);
  return new PipeReader(new Descriptor(...receive(fds, READABLE, 'read end')), luggage);
});
registerHandleKind('PipeWriter', (fds, data) => {
  const options = data as WriterOptions;
  checkWriterOptions(options);
  return new PipeWriter(new Descriptor(...receive(fds, WRITABLE, 'write end')), options);
});
registerHandleKind('DuplexStream', (fds, data) => {
  const { reader, writer } = data as MovedDuplex;
  if (reader !== undefined) checkMovedReader(reader);
  checkWriterOptions(writer);
  const directions = (reader === undefined ? 0 : READABLE) | (writer === undefined ? 0 : WRITABLE);
  if (directions === 0) throw new TypeError('a duplex stream of no direction came');
  const descriptor = new Descriptor(...receive(fds, directions, 'duplex end'));
  return new DuplexStream(new PipeReader(descriptor, reader), new PipeWriter(descriptor, writer), descriptor);
});

/** Options of {@link aiopipe}. */
export interface PipeOptions {
  /** Bytes that the pipe holds before a writer waits; the system rounds it up. 64 KiB on Linux unless given. */
  readonly capacity?: number | undefined;
}

/** Options of {@link aioduplex}. */
export interface DuplexOptions {
  /** Bytes for each direction's buffers (SO_SNDBUF and SO_RCVBUF); the system may give less. */
  readonly bufferSize?: number | undefined;
}

const PIPE_OPTIONS = optionNames<PipeOptions>({ capacity: true });
const DUPLEX_OPTIONS = optionNames<DuplexOptions>({ bufferSize: true });

/**
 * A pipe (pipe(2)): what is written to the second end comes out of the first. Both are close-on-exec: a child gets one
 * only by being given it.
 */
export function aiopipe(options: PipeOptions = {}): [ReadEnd, WriteEnd] {
  checkOptions(options, PIPE_OPTIONS);
  const capacity = checkSize('capacity', options.capacity);
  const fds = new Int32Array(2);
  check(
    native().pipe(fds, capacity),
    'pipe',
    `a pipe${capacity > 0 ? ` of ${String(capacity)} bytes` : ''} can't be made`,
  );
  const [read, write] = fds as unknown as [number, number];
  return [
    new ReadEnd(new OwnedFd(read, 'read end', aiopipe), PIPE, READABLE),
    new WriteEnd(new OwnedFd(write, 'write end', aiopipe), PIPE, WRITABLE),
  ];
}

/** A pipe that goes both ways, on one socketpair(2). Each end reads what the other writes. Close-on-exec, as all ends. */
export function aioduplex(options: DuplexOptions = {}): [DuplexEnd, DuplexEnd] {
  checkOptions(options, DUPLEX_OPTIONS);
  const bufferSize = checkSize('bufferSize', options.bufferSize);
  const make = (owned: OwnedFd) => new DuplexEnd(owned, LOCAL_SOCKET, READABLE | WRITABLE);
  const [one, other] = socketPair(bufferSize, ['duplex end', 'duplex end'], aioduplex);
  return [make(one), make(other)];
}

/** Two connected descriptors, named as messages shall name them. `bufferSize` 0 leaves it to the system. */
export function socketPair(
  bufferSize: number,
  names: readonly [string, string],
  maker: (...args: never[]) => unknown,
): [OwnedFd, OwnedFd] {
  const fds = new Int32Array(2);
  check(native().socketpair(fds, bufferSize), 'socketpair', `a ${names[0]} can't be made`);
  const [one, other] = fds as unknown as [number, number];
  return [new OwnedFd(one, names[0], maker), new OwnedFd(other, names[1], maker)];
}

type EndParts = [owned: OwnedFd, transport: Transport, directions: number];

/** Nothing is adopted unless all is right: until then the caller still has its descriptor. */
function adopt(fd: number, directions: number, what: string, maker: (...args: never[]) => unknown): EndParts {
  const transport = inspectFd(fd, directions, what);
  check(native().setCloseOnExec(fd), 'fcntl', `fd ${String(fd)}`);
  return [new OwnedFd(fd, what, maker), transport, directions];
}

/** What moved here: others may still have its open file description, the sender's duplicates for one. */
function receive(fds: readonly number[], directions: number, what: string): EndParts {
  const [fd = -1] = fds;
  if (fds.length !== 1) throw new TypeError(`a ${what} is one descriptor, and ${String(fds.length)} came for it`);
  return adopt(fd, directions, what, registerHandleKind);
}

function check(result: number, syscall: string, about: string): void {
  if (result < 0) throw new SystemError(result, syscall, about);
}

function checkSize(name: string, size: number | undefined): number {
  if (size === undefined) return 0;
  if (!Number.isInteger(size) || size <= 0 || size > 0x7fffffff) {
    throw new RangeError(`${name}: expected a positive whole number of bytes, not ${show(size)}`);
  }
  return size;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

import { checkFlag } from '../check/flag.js';
import { checkOptions, optionNames } from '../check/options.js';
import { closeWhenDropped, forget } from '../fd/collector.js';
import { AiopipeError, ClosedError, MovedError, SystemError } from '../errors.js';
import { native } from '../fd/native.js';
import { OwnedFd } from '../fd/owned-fd.js';
import { HANDLE, HANDLE_IN_JSON, type Move } from '../move/handle.js';
import { forbidWrites, inspectSegment, isReadOnly, mapSegment, type Segment } from './segment.js';

/**
 * The owner of the memory: this object (`owned`), another process or other code (`moved`), or none (`closed`).
 *
 * @see the example of {@link sharedMemory}
 */
export type MemoryState = 'owned' | 'moved' | 'closed';

/**
 * Options of {@link SharedMemory.share}.
 *
 * @example
 * ```ts
 * import { sharedMemory } from '@aiopipe/core';
 *
 * using memory = sharedMemory(4096);
 * using view = memory.share({ readOnly: true });
 * memory.bytes.write('hello');
 * console.log(view.readOnly, view.bytes.toString('utf8', 0, 5));
 * ```
 * ```text
 * true hello
 * ```
 */
export interface ShareOptions {
  /**
   * The receiver, and all later ones, can only read the pages; the system enforces it (F_SEAL_FUTURE_WRITE, Linux 5.1). Cannot be
   * undone. Default: false, or true if the memory is read-only here.
   */
  readonly readOnly?: boolean | undefined;
}

const SHARE_OPTIONS = optionNames<ShareOptions>({ readOnly: true });

/** The kind of these handles. Its adopter is in `create.ts`. */
export const MEMORY_KIND = 'SharedMemory';

/**
 * Memory that processes of this machine can map at once. It is a handle like a pipe end: in a message it moves, whatever its size, and
 * is unmapped here. {@link share} gives the same pages to another process, and keeps them here, too.
 *
 * @example
 * ```ts
 * import { channel } from '@aiopipe/codec';
 * import { sharedMemory, type SharedMemory } from '@aiopipe/core';
 *
 * using pair = channel<SharedMemory>();
 * const [reader, writer] = pair;
 * using memory = sharedMemory(1024);
 * await writer.put(memory.share()); // the same pages, not a copy
 * using arrived = await reader.get();
 * memory.bytes.write('seen at once');
 * console.log(arrived.bytes.toString('utf8', 0, 12));
 * ```
 * ```text
 * seen at once
 * ```
 */
export class SharedMemory {
  readonly #owned: OwnedFd;
  readonly #segment: Segment;
  #state: MemoryState = 'owned';
  #destination = '';
  #buffer: ArrayBuffer | undefined;
  #bytes: Buffer<ArrayBuffer> | undefined;

  private constructor(owned: OwnedFd, segment: Segment, buffer?: ArrayBuffer) {
    this.#owned = owned;
    this.#segment = segment;
    this.#buffer = buffer;
    closeWhenDropped(this, owned);
  }

  /** Without a `buffer`, the pages are mapped when they are used. @internal */
  static make(owned: OwnedFd, segment: Segment, buffer?: ArrayBuffer): SharedMemory {
    return new SharedMemory(owned, segment, buffer);
  }

  /**
   * Adopts shared memory of another program: a descriptor of memfd_create(2). The object owns it then. Seals it against shrinking, if
   * its maker has not; throws if that is not allowed, or if the descriptor is something else.
   */
  static fromFd(fd: number): SharedMemory {
    return adoptSegment(fd, inspectSegment(fd, true), SharedMemory.fromFd);
  }

  /** The owner of the memory now. */
  get state(): MemoryState {
    return this.#state;
  }

  /** The descriptor. Throws {@link ClosedError} or {@link MovedError} once the memory has closed or moved. */
  get fd(): number {
    this.#assertOwned();
    this.#owned.wasRead = true;
    return this.#owned.number;
  }

  /**
   * The pages, as a Buffer. It has length 0 once the memory has closed or moved, as has every other view. The first use maps the pages
   * of memory that arrived or was shared; throws {@link SystemError} if the system refuses, for example ENOMEM.
   */
  get bytes(): Buffer<ArrayBuffer> {
    return (this.#bytes ??= this.#view());
  }

  /** No view can be made of memory that has gone: its ArrayBuffer is detached. */
  #view(): Buffer<ArrayBuffer> {
    const { buffer } = this;
    return Buffer.from(buffer.byteLength === 0 ? new ArrayBuffer(0) : buffer);
  }

  /** The ArrayBuffer of {@link bytes}. Do not transfer it: move the memory instead. */
  get buffer(): ArrayBuffer {
    return (this.#buffer ??=
      this.#state === 'owned' ? mapSegment(this.#owned.number, this.#segment) : new ArrayBuffer(0));
  }

  /** The length in bytes; 0 once the memory has closed or moved. */
  get byteLength(): number {
    return this.#state === 'owned' ? (this.#buffer ?? this.#segment).byteLength : 0;
  }

  /**
   * Whether this process can only read the pages. What it writes to `bytes` stays in this process then, and later changes of the same
   * page (4 KiB) by other processes cannot be seen.
   */
  get readOnly(): boolean {
    return this.#segment.readOnly;
  }

  /**
   * Returns another handle of the same pages: put it into a message. This memory stays. Writes are seen by all processes at once,
   * without any order; agree by messages on who writes when.
   *
   * Throws `ERR_AIOPIPE_READ_ONLY` if the memory was shared read-only before, and `readOnly` is not set now.
   */
  share(options: ShareOptions = {}): SharedMemory {
    checkOptions(options, SHARE_OPTIONS);
    checkFlag('readOnly', options.readOnly);
    this.#assertOwned();
    this.#assertHere('shared');
    const { byteLength } = this.#segment;
    const readOnly = this.readOnly || (options.readOnly ?? false);
    if (!readOnly) this.#assertWritable('shared for writing');
    const copy = native().duplicate(this.#owned.number);
    if (copy < 0) throw new SystemError(copy, 'fcntl', `${this.#owned.toString()} cannot be shared`);
    const owned = new OwnedFd(copy, WHAT, SharedMemory.prototype.share);
    try {
      if (readOnly && !this.readOnly) forbidWrites(copy, this.#owned.toString());
    } catch (error) {
      owned.close();
      throw error;
    }
    return SharedMemory.make(owned, { byteLength, readOnly });
  }

  /** Closes at once. Throws {@link ClosedError} if it is closed already, or {@link MovedError} if it was handed on. */
  close(): void {
    this.#assertOwned();
    this.#leave('closed');
    this.#owned.close();
  }

  /** Returns the descriptor; the caller must close it. */
  release(): number {
    this.#assertOwned();
    this.#leave('moved', 'release(): the caller must close the descriptor');
    return this.#owned.take();
  }

  /** Closes the memory, if it is not closed or moved yet. Throws nothing. */
  [Symbol.dispose](): void {
    if (this.#state !== 'owned') return;
    this.#leave('closed');
    this.#owned.discard();
  }

  /** @internal */
  [HANDLE](): Move {
    return {
      kind: MEMORY_KIND,
      check: () => {
        this.#assertOwned();
        this.#assertHere('moved');
        if (!this.readOnly) this.#assertWritable('moved');
      },
      pack: () => ({ fds: [this.#owned], data: this.#segment }),
      leave: (destination) => {
        this.#leave('moved', destination);
      },
    };
  }

  /** Returns a string that names the memory: a handle cannot travel as JSON. */
  toJSON(): string {
    return HANDLE_IN_JSON + this.#owned.toString();
  }

  #assertOwned(): void {
    if (this.#state === 'owned') return;
    const name = this.#owned.toString();
    if (this.#state === 'closed') throw new ClosedError(`${name} is closed`);
    throw new MovedError(`${name} was handed to ${this.#destination}`);
  }

  /** ArrayBuffer.prototype.transfer() takes the pages to a buffer that nothing here knows. */
  #assertHere(what: string): void {
    if (this.byteLength > 0) return;
    throw new AiopipeError(
      'ERR_AIOPIPE_TRANSFERRED',
      `${this.#owned.toString()} cannot be ${what}: other code has transferred its ArrayBuffer, and still has the pages`,
    );
  }

  /** The receiver of a share could have sealed it, too: only the system knows. */
  #assertWritable(what: string): void {
    if (!isReadOnly(this.#owned.number)) return;
    throw new AiopipeError(
      'ERR_AIOPIPE_READ_ONLY',
      `${this.#owned.toString()} cannot be ${what}: it was shared read-only, so no other process can write to it any more; ` +
        'send share({ readOnly: true })',
    );
  }

  #leave(state: MemoryState, destination = ''): void {
    forget(this);
    this.#state = state;
    this.#destination = destination;
    // Memory that moved may come back soon: its pages stay mapped for that, but no view has them.
    if (this.#buffer !== undefined) native().memoryUnmap(this.#buffer, state === 'moved' ? 1 : 0);
  }
}

/** How messages name it. */
export const WHAT = 'shared memory segment';

/** Throws before it takes the descriptor over: the caller still has it then. */
export function adoptSegment(fd: number, segment: Segment, maker?: (...args: never[]) => unknown): SharedMemory {
  const result = native().setCloseOnExec(fd);
  if (result < 0) throw new SystemError(result, 'fcntl', `fd ${String(fd)}`);
  return SharedMemory.make(new OwnedFd(fd, WHAT, maker), segment);
}

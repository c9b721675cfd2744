import { checkCount } from '../check/count.js';
import { checkFlag } from '../check/flag.js';
import { checkOptions, optionNames } from '../check/options.js';
import { show } from '../check/show.js';
import { AiopipeError, SystemError } from '../errors.js';
import { native } from '../fd/native.js';
import { OwnedFd } from '../fd/owned-fd.js';
import { registerHandleKind } from '../move/handle.js';
import { MEMORY_KIND, MemoryHandle, type MovedMemory } from './memory-handle.js';
import { MemoryShare } from './memory-share.js';
import { forbidWrites, inspectSegment, makeSegment, mapSegment, MOST_BYTES, type Segment } from './segment.js';

/** Options of {@link SharedMemory.share}. */
export interface ShareOptions {
  /**
   * The receiver, and all later ones, can only read the pages; the system enforces it (F_SEAL_FUTURE_WRITE, Linux 5.1). Cannot be
   * undone. Default: false, or true if the memory is read-only here.
   */
  readonly readOnly?: boolean | undefined;
}

const SHARE_OPTIONS = optionNames<ShareOptions>({ readOnly: true });

/**
 * Memory that processes of this machine can map at once. It is a handle like a pipe end: in a message it moves, whatever its size, and
 * is unmapped here. {@link share} gives the same pages to another process, and keeps them here, too.
 */
export class SharedMemory extends MemoryHandle {
  readonly #buffer: ArrayBuffer;
  #bytes: Buffer<ArrayBuffer> | undefined;
  /**
   * Whether this process can only read the pages. What it writes to `bytes` stays in this process then, and later changes of the same
   * page (4 KiB) by other processes cannot be seen.
   */
  readonly readOnly: boolean;

  private constructor(owned: OwnedFd, buffer: ArrayBuffer, readOnly: boolean) {
    super(owned);
    this.#buffer = buffer;
    this.readOnly = readOnly;
  }

  /** @internal */
  static make(owned: OwnedFd, buffer: ArrayBuffer, readOnly: boolean): SharedMemory {
    return new SharedMemory(owned, buffer, readOnly);
  }

  /**
   * Adopts shared memory of another program: a descriptor of memfd_create(2). The object owns it then. Seals it against shrinking, if
   * its maker has not; throws if that is not allowed, or if the descriptor is something else.
   */
  static fromFd(fd: number): SharedMemory {
    return adopt(fd, inspectSegment(fd, true), SharedMemory.fromFd);
  }

  /** The pages, as a Buffer. It has length 0 once the memory has closed or moved, as has every other view. */
  get bytes(): Buffer<ArrayBuffer> {
    return (this.#bytes ??= Buffer.from(this.#buffer));
  }

  /** The ArrayBuffer of {@link bytes}. */
  get buffer(): ArrayBuffer {
    return this.#buffer;
  }

  /** The length in bytes; 0 once the memory has closed or moved. */
  get byteLength(): number {
    return this.#buffer.byteLength;
  }

  /**
   * Returns a handle that gives the same pages to another process: put it into a message. This memory stays. Writes are seen by all
   * processes at once, without any order; agree by messages on who writes when.
   *
   * Throws `ERR_AIOPIPE_READ_ONLY` if the memory was shared read-only before, and `readOnly` is not set now.
   */
  share(options: ShareOptions = {}): MemoryShare {
    checkOptions(options, SHARE_OPTIONS);
    checkFlag('readOnly', options.readOnly);
    this.assertOwned();
    this.#assertHere('shared');
    const readOnly = this.readOnly || (options.readOnly ?? false);
    if (!readOnly) this.#assertWritable('shared for writing');
    const copy = native().duplicate(this.number);
    if (copy < 0) throw new SystemError(copy, 'fcntl', `${this.name} cannot be shared`);
    const owned = new OwnedFd(copy, 'share of shared memory', SharedMemory.prototype.share);
    try {
      if (readOnly && !this.readOnly) forbidWrites(copy, this.name);
    } catch (error) {
      owned.close();
      throw error;
    }
    return MemoryShare.make(owned, { byteLength: this.byteLength, readOnly });
  }

  /** @internal */
  protected override get facts(): MovedMemory {
    return { byteLength: this.byteLength, readOnly: this.readOnly };
  }

  /** @internal */
  protected override assertMovable(): void {
    this.#assertHere('moved');
    if (!this.readOnly) this.#assertWritable('moved');
  }

  /** @internal */
  protected override unmap(mayComeBack: boolean): void {
    native().memoryUnmap(this.#buffer, mayComeBack ? 1 : 0);
  }

  /** ArrayBuffer.prototype.transfer() takes the pages to a buffer that nothing here knows. */
  #assertHere(what: string): void {
    if (this.byteLength > 0) return;
    throw new AiopipeError(
      'ERR_AIOPIPE_TRANSFERRED',
      `${this.name} cannot be ${what}: other code has transferred its ArrayBuffer, and still has the pages`,
    );
  }

  /** The receiver of a read-only share could have sealed it, too: only the system knows. */
  #assertWritable(what: string): void {
    if (!inspectSegment(this.number, false).readOnly) return;
    throw new AiopipeError(
      'ERR_AIOPIPE_READ_ONLY',
      `${this.name} cannot be ${what}: it was shared read-only, so no other process can write to it any more; ` +
        'send share({ readOnly: true })',
    );
  }
}

/**
 * Makes shared memory of so many bytes, all zero. Throws {@link SystemError} if the system refuses, for example EMFILE or ENOMEM.
 *
 * @param byteLength - 1 or more; at most what a Buffer can have
 */
export function sharedMemory(byteLength: number): SharedMemory {
  checkLength(byteLength);
  const owned = new OwnedFd(makeSegment(byteLength), WHAT, sharedMemory);
  try {
    return SharedMemory.make(owned, mapSegment(owned.number, { byteLength, readOnly: false }), false);
  } catch (error) {
    owned.close();
    throw error;
  }
}

function checkLength(byteLength: number | undefined): asserts byteLength is number {
  // Undefined would be an option that is not set.
  checkCount('byteLength', byteLength ?? null, { least: 1, most: MOST_BYTES, of: 'bytes' });
}

const WHAT = 'shared memory segment';

/** Throws before it takes the descriptor over: the caller still has it then. */
function adopt(fd: number, segment: Segment, maker: (...args: never[]) => unknown): SharedMemory {
  const result = native().setCloseOnExec(fd);
  if (result < 0) throw new SystemError(result, 'fcntl', `fd ${String(fd)}`);
  const buffer = mapSegment(fd, segment);
  return SharedMemory.make(new OwnedFd(fd, WHAT, maker), buffer, segment.readOnly);
}

/** The system knows what the descriptor is. The peer's word only makes it less. */
registerHandleKind(MEMORY_KIND, (fds, data) => {
  const [fd = -1] = fds;
  if (fds.length !== 1) throw new TypeError(`shared memory needs one descriptor, but ${String(fds.length)} arrived`);
  const segment = inspectSegment(fd, false);
  const { byteLength, readOnly } = checkMoved(data);
  if (byteLength > segment.byteLength) {
    const lengths = `${String(segment.byteLength)} bytes, but its sender named ${String(byteLength)}`;
    throw new TypeError(`fd ${String(fd)} has ${lengths}`);
  }
  if (segment.readOnly && !readOnly) {
    throw new AiopipeError(
      'ERR_AIOPIPE_READ_ONLY',
      `fd ${String(fd)} was sent for writing, but was shared read-only before it arrived: wait for an answer before ` +
        'share({ readOnly: true })',
    );
  }
  return adopt(fd, { byteLength, readOnly: segment.readOnly }, registerHandleKind);
});

function checkMoved(data: unknown): MovedMemory {
  const { byteLength, readOnly } = (data ?? {}) as Partial<MovedMemory>;
  checkLength(byteLength);
  if (typeof readOnly !== 'boolean') {
    throw new TypeError(`shared memory was described wrongly: ${show(data)}`);
  }
  return { byteLength, readOnly };
}

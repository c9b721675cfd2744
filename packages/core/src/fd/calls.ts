import { constants as fs } from 'node:fs';
import { constants } from 'node:os';
import { SystemError } from '../errors.js';
import { describeFd } from './description.js';
import { native, OWN, READABLE, SHARED, SOCKET, SPLICED, WRITABLE, type How } from './native.js';
import { type OwnedFd } from './owned-fd.js';
import { type Transport } from './transport.js';

const EPIPE = -constants.errno.EPIPE;
const EOPNOTSUPP = -constants.errno.EOPNOTSUPP;
const { O_RDONLY, O_WRONLY, O_RDWR } = fs;

const NOTHING = Buffer.alloc(0);

/**
 * The calls that move bytes over one descriptor, each made so that it cannot block. They return a number of bytes or a negative
 * errno.
 *
 * O_NONBLOCK belongs to the open file description, and every process that shares it can change it at any time. So sockets and pipes
 * are asked call by call. Other descriptors, and pipes on a system that cannot be asked so, get a description of their own.
 */
export class Calls {
  readonly #owned: OwnedFd;
  readonly #transport: Transport;
  readonly #access: number;
  #how: How = OWN;
  #mustRestoreMode = false;

  constructor(owned: OwnedFd, transport: Transport, directions: number) {
    this.#owned = owned;
    this.#transport = transport;
    this.#access = directions === READABLE ? O_RDONLY : directions === WRITABLE ? O_WRONLY : O_RDWR;
    const { isSocket, isPipe, isShared, isNonblocking } = transport;
    if (isSocket) this.#how = SOCKET;
    else if (isPipe && isShared) this.#how = SHARED;
    else this.#setMode();
    // Its number may have been given to a child before it was opened, and the child can change the mode.
    if (isPipe && !isShared && !isNonblocking) this.#how = SHARED;
  }

  read(bytes: Buffer, offset: number, length: number): number {
    const result = native().read(this.#owned.number, bytes, offset, length, this.#how);
    return this.#mustChangeHow(result) ? this.read(bytes, offset, length) : result;
  }

  /** Reads from a socket, and takes the descriptors that came along: see {@link Native.receive}. */
  receive(bytes: Buffer, offset: number, length: number, passed: Int32Array): number {
    return native().receive(this.#owned.number, bytes, offset, length, passed);
  }

  write(parts: readonly Buffer[], offset: number): number {
    if (this.#isHungUp) return EPIPE;
    const first = parts[0] as Buffer;
    const { number } = this.#owned;
    const result =
      parts.length === 1
        ? native().write(number, first, offset, first.length - offset, this.#how)
        : native().writeParts(number, parts, offset, this.#how);
    return this.#mustChangeHow(result) ? this.write(parts, offset) : result;
  }

  /** Writes one part, which duplicates of `passed` travel with. */
  send(bytes: Buffer, offset: number, length: number, passed: Int32Array | undefined): number {
    if (this.#isHungUp) return EPIPE;
    const { number } = this.#owned;
    const result =
      passed === undefined
        ? native().write(number, bytes, offset, length, this.#how)
        : native().writeParts(number, [bytes.subarray(offset, offset + length)], 0, this.#how, passed);
    return this.#mustChangeHow(result) ? this.send(bytes, offset, length, passed) : result;
  }

  /**
   * Whether no program has the terminal open any more. Linux takes what is written then, until its buffer is full, and no program will
   * read it. The poll of the loop reports such a terminal as writable for ever.
   */
  get #isHungUp(): boolean {
    return this.#transport.isTerminal && native().isHungUp(this.#owned.number) > 0;
  }

  /** Whether the peer of a local socket has closed, and has not only ended what it sends: a send of no bytes tells. */
  get isPeerGone(): boolean {
    return native().write(this.#owned.number, NOTHING, 0, 0, SOCKET) === EPIPE;
  }

  /** Others who share the description find it in the mode that it had. Must be the last call. */
  restoreMode(): void {
    if (this.#mustRestoreMode) native().setNonblocking(this.#owned.number, 0);
  }

  /** Whether the call must be made again in another way: this system, or this descriptor, cannot be asked call by call. */
  #mustChangeHow(result: number): boolean {
    if (result !== EOPNOTSUPP) return false;
    switch (this.#how) {
      case SHARED:
        this.#how = OWN;
        this.#setMode();
        return true;
      case SPLICED:
        this.#how = OWN;
        this.#setModeForAll();
        return true;
      default: {
        // The call looked at the mode, which others who share the description can take away.
        const described = describeFd(this.#owned.number);
        if (typeof described === 'number' || described.isNonblocking) return false;
        this.#setModeForAll();
        return true;
      }
    }
  }

  /** Sets O_NONBLOCK: on a description that is ours alone, if there is a way to get one. */
  #setMode(): void {
    const { isShared, isPipe, isNonblocking } = this.#transport;
    if (isShared && native().reopenNonblocking(this.#owned.number, this.#access) === 0) return;
    // The file belongs to another user, or its other side has closed.
    if (isShared && isPipe) this.#how = SPLICED;
    else if (!isNonblocking) this.#setModeForAll();
  }

  /** The last resort: all who share the description find it non-blocking while we have it. */
  #setModeForAll(): void {
    const result = native().setNonblocking(this.#owned.number, 1);
    if (result < 0) throw new SystemError(result, 'fcntl', this.#owned.toString());
    this.#mustRestoreMode = this.#transport.isShared && !this.#transport.isNonblocking;
  }
}

import { constants } from 'node:os';
import { ClosedError, MovedError, SystemError } from '../errors.js';
import {
  HOLDS_LOOP,
  native,
  OWN,
  READABLE,
  SHARED,
  SOCKET,
  SPLICED,
  WRITABLE,
  type How,
  type NativePoll,
} from './native.js';
import { type OwnedFd } from './owned-fd.js';
import { setImmediate } from '../wait/taken.js';
import { isTerminalMaster, type Transport } from './transport.js';

/** A non-blocking call's way to say: not now. */
export const EAGAIN = -constants.errno.EAGAIN;
const ECONNRESET = -constants.errno.ECONNRESET;
const EPIPE = -constants.errno.EPIPE;
const EIO = -constants.errno.EIO;
const EOPNOTSUPP = -constants.errno.EOPNOTSUPP;

const NOTHING = Buffer.alloc(0);

/**
 * How many bytes one descriptor may move in one turn of the loop, so that timers and other descriptors have theirs: some
 * 0.3 ms of copying. Where small pieces of it take longer, it is for whoever takes them to stop before that.
 */
const BUDGET = 1024 * 1024;

/** What a call takes of it beside its bytes: a loop over small ones leaves the others their turn as well. */
const CALL_COST = 1024;

/** Of the binding: the memory is not as long as it was (any more). */
export const EFAULT = -constants.errno.EFAULT;

const SHUT_RD = 0;
const SHUT_WR = 1;

/** Who waits for a descriptor. */
export interface Interest {
  /** Something can be done: a call, at least, which says what. */
  ready(): void;
  /** It was closed meanwhile. */
  closed(): void;
  /** Unset, or true: the wait keeps the event loop alive, unless {@link Descriptor.holdLoop} says otherwise. */
  readonly holdsLoop?: boolean;
}

/**
 * An open descriptor on the event loop: the calls, who waits for it, and its end. A stream that waits registers
 * its interest, and nothing here refers to an idle stream, so that one which the program has dropped can be collected.
 */
export class Descriptor {
  readonly #owned: OwnedFd;
  readonly #transport: Transport;
  #poll: NativePoll | undefined;
  /** What the binding reads: the events of interest, and writes: whether an event is being told. See `native/poll.c`. */
  readonly #interests = new Int32Array(2);
  #reading: Interest | undefined;
  #writing: Interest | undefined;
  #readHolds = true;
  #writeHolds = true;
  #readBudget = BUDGET;
  #writeBudget = BUDGET;
  #openSides: number;
  /** Due when the loop has come round: a writer whose share was used up goes on then. */
  #nextShare: NodeJS.Immediate | undefined;
  #how: How = OWN;
  #mustRestoreBlocking = false;
  #spin = 0;
  #movedTo: string | undefined;
  /** Bytes that a writer has accepted and the kernel has not. */
  unflushed = 0;

  constructor(owned: OwnedFd, transport: Transport, directions: number) {
    this.#owned = owned;
    this.#transport = transport;
    this.#openSides = directions;
    // These are asked not to block call by call: whoever shares the description could change a flag of it.
    if (transport.isSocket) this.#how = SOCKET;
    else if (transport.isPipe && transport.isShared) this.#how = SHARED;
    else this.#stopBlocking();
    // A child may have been given our own pipe's number before it was opened.
    if (transport.isPipe && !transport.isShared && !transport.isNonblocking) this.#how = SHARED;
  }

  /** By a flag of the description: one that is ours alone, if it can be had. */
  #stopBlocking(): void {
    const { isShared, isNonblocking } = this.#transport;
    if (!isShared && isNonblocking) return;
    const { number } = this.#owned;
    const forWriting = this.#openSides & WRITABLE ? 1 : 0;
    if (isShared && native().reopenNonblocking(number, forWriting) === 0) return;
    // Its file is another user's, or its other side is gone.
    if (isShared && this.#transport.isPipe && process.platform === 'linux') {
      this.#how = SPLICED;
      return;
    }
    if (isNonblocking) return;
    const result = native().setNonblocking(number, 1);
    if (result < 0) throw new SystemError(result, 'fcntl', this.#owned.toString());
    // Only for as long as it is ours.
    this.#mustRestoreBlocking = isShared;
  }

  /** Whether a call that failed so is to be made again: this system, or this pipe, can't be asked call by call. */
  #isToBeAskedOtherwise(result: number): boolean {
    if (result !== EOPNOTSUPP || this.#how !== SHARED) return false;
    this.#how = OWN;
    this.#stopBlocking();
    return true;
  }

  get isSocket(): boolean {
    return this.#transport.isSocket;
  }

  /** A pipe, or a socket of this machine. */
  get isLocal(): boolean {
    return this.#transport.isLocal;
  }

  get isClosed(): boolean {
    return this.#openSides === 0;
  }

  isOpenFor(side: number): boolean {
    return (this.#openSides & side) !== 0;
  }

  /** Whether a call waits or bytes are unflushed: then it can be neither closed nor moved. */
  get isBusy(): boolean {
    return this.#reading !== undefined || this.#writing !== undefined || this.unflushed > 0;
  }

  get isReading(): boolean {
    return this.#reading !== undefined;
  }

  get fd(): number {
    this.#owned.wasRead = true;
    return this.#owned.number;
  }

  get owned(): OwnedFd {
    return this.#owned;
  }

  toString(): string {
    return this.#owned.toString();
  }

  /** Bytes read; 0 at the end of the stream; {@link EAGAIN}. Other failures throw. */
  read(bytes: Buffer, offset: number, length: number): number {
    const result = native().read(this.#owned.number, bytes, offset, length, this.#how);
    if (result < 0 && this.#isToBeAskedOtherwise(result)) return this.read(bytes, offset, length);
    return this.#read(result);
  }

  /**
   * As {@link read}, and takes the descriptors that came along: `passed[0]` is how many follow it there, or -1 where the
   * kernel could not hand all of them over.
   */
  receive(bytes: Buffer, offset: number, length: number, passed: Int32Array): number {
    passed[0] = 0;
    if (!this.#transport.isSocket) return this.read(bytes, offset, length);
    return this.#read(native().receive(this.#owned.number, bytes, offset, length, passed));
  }

  #read(result: number): number {
    if (result >= 0) {
      this.#readBudget -= result + CALL_COST;
      return result;
    }
    if (result === EAGAIN) return result;
    if (result === EFAULT) {
      throw new TypeError(`${this.toString()}: the memory to read into was transferred or made smaller meanwhile`);
    }
    // The peer closed without having read all that we wrote: to a reader, that is its end.
    if (result === ECONNRESET && this.#transport.isLocal) return 0;
    if (result === EIO && isTerminalMaster(this.#owned.number)) return 0;
    throw new SystemError(result, 'read', this.toString());
  }

  /** Whether this turn's share is used up: then wait for the loop to come round before the next call. */
  get mayReadNow(): boolean {
    return this.#readBudget > 0;
  }

  get mayWriteNow(): boolean {
    return this.#writeBudget > 0;
  }

  /** Bytes written, or a negative errno. */
  write(parts: readonly Buffer[], offset: number): number {
    const first = parts[0] as Buffer;
    const { number } = this.#owned;
    const result =
      parts.length === 1
        ? native().write(number, first, offset, first.length - offset, this.#how)
        : native().writeParts(number, parts, offset, this.#how);
    if (result < 0 && this.#isToBeAskedOtherwise(result)) return this.write(parts, offset);
    if (result > 0) this.#writeBudget -= result + CALL_COST;
    return result;
  }

  /** As {@link write} of one part, which descriptors travel with. They are still ours to close. */
  send(bytes: Buffer, offset: number, length: number, passed: Int32Array | undefined): number {
    const { number } = this.#owned;
    const result =
      passed === undefined
        ? native().write(number, bytes, offset, length, this.#how)
        : native().writeParts(number, [bytes.subarray(offset, offset + length)], 0, this.#how, passed);
    if (result < 0 && this.#isToBeAskedOtherwise(result)) return this.send(bytes, offset, length, passed);
    if (result > 0) this.#writeBudget -= result + CALL_COST;
    return result;
  }

  /** Whether the peer of a local socket has closed, and not merely ended what it sends: a send of nothing tells. */
  get isPeerGone(): boolean {
    return native().write(this.#owned.number, NOTHING, 0, 0, SOCKET) === EPIPE;
  }

  /** Tells `interest` whenever there is something to read, until it is unset. */
  waitReadable(interest: Interest | undefined): void {
    if (this.#reading === interest) return;
    this.#reading = interest;
    this.#updatePoll();
  }

  /** Tells `interest` whenever something can be written, perhaps, until it is unset. */
  waitWritable(interest: Interest | undefined): void {
    if (interest !== undefined && !this.mayWriteNow) this.#waitForShare();
    else if (this.#writing === interest) return;
    this.#writing = interest;
    this.#updatePoll();
  }

  /** It need not be full, and a socket tells of room only when most of it is empty: its reader had nothing to do by then. */
  #waitForShare(): void {
    if (this.#nextShare !== undefined) return;
    this.#nextShare = setImmediate(() => {
      this.#nextShare = undefined;
      this.#writeBudget = BUDGET;
      this.#writing?.ready();
      this.#updatePoll();
    });
    if (!this.#writeHolds) this.#nextShare.unref();
  }

  /** Blocks the thread, for an end that leaves no time: false when that took so many milliseconds. */
  blockUntilWritable(milliseconds: number): boolean {
    this.#writeBudget = BUDGET;
    return native().waitWritable(this.#owned.number, milliseconds) > 0;
  }

  /** Whether a wait for that direction keeps the event loop alive. */
  holdLoop(side: number, holds: boolean): void {
    if (side & READABLE) this.#readHolds = holds;
    if (side & WRITABLE) {
      this.#writeHolds = holds;
      if (holds) this.#nextShare?.ref();
      else this.#nextShare?.unref();
    }
    this.#updatePoll();
  }

  holdsLoop(side: number): boolean {
    return side === READABLE ? this.#readHolds : this.#writeHolds;
  }

  /** Microseconds for which the loop looks again before it sleeps while a read waits here. */
  spin(microseconds: number): void {
    this.#spin = microseconds;
    if (this.#poll !== undefined) native().pollSpin(this.#poll, microseconds);
  }

  #updatePoll(): void {
    const reads = this.#reading !== undefined;
    const writes = this.#writing !== undefined && this.#nextShare === undefined;
    if (this.#poll === undefined) {
      if ((!reads && !writes) || this.isClosed) return;
      const poll = native().pollOpen(
        this.#owned.number,
        (events) => {
          this.#onEvents(events);
        },
        this.#interests,
      );
      if (typeof poll === 'number') throw new SystemError(poll, 'poll', this.toString());
      this.#poll = poll;
      if (this.#spin > 0) native().pollSpin(poll, this.#spin);
    }
    const holds = (this.#readHolds && reads && this.#reading?.holdsLoop !== false) || (this.#writeHolds && writes);
    const interest = (reads ? READABLE : 0) | (writes ? WRITABLE : 0) | (holds ? HOLDS_LOOP : 0);
    if (this.#interests[0] === interest) return;
    this.#interests[0] = interest;
    // Within an event the binding looks by itself when all is done: mostly nothing has changed then.
    if (this.#interests[1] === 0) native().pollUpdate(this.#poll);
  }

  #onEvents(events: number): void {
    if (events & READABLE) {
      this.#readBudget = BUDGET;
      this.#reading?.ready();
    }
    if (events & WRITABLE) {
      this.#writeBudget = BUDGET;
      this.#writing?.ready();
    }
  }

  /** Ends one direction; the last one closes the descriptor. Whoever waits must have been told before. */
  closeSide(side: number): void {
    if ((this.#openSides & side) === 0) return;
    this.#openSides &= ~side;
    if (side & READABLE) this.#reading = undefined;
    if (side & WRITABLE) this.#writing = undefined;
    if (this.#openSides !== 0) {
      this.#updatePoll();
      // The peer may be gone already (ENOTCONN), and then there is nothing left to say.
      native().shutdown(this.#owned.number, side & READABLE ? SHUT_RD : SHUT_WR);
      return;
    }
    this.#letGo();
    this.#owned.close();
  }

  /** Closes both directions; whoever waits is told. */
  dispose(): void {
    this.#reading?.closed();
    this.#writing?.closed();
    this.closeSide(READABLE | WRITABLE);
  }

  /** Gives the descriptor up without closing it. It must be idle. `destination` is where to, for later errors. */
  release(destination: string): OwnedFd {
    this.#openSides = 0;
    this.#movedTo = destination;
    this.#letGo();
    return this.#owned;
  }

  /** libuv must let go of a number before it can mean something else. */
  #letGo(): void {
    if (this.#poll !== undefined) native().pollClose(this.#poll);
    this.#poll = undefined;
    if (this.#mustRestoreBlocking) native().setNonblocking(this.#owned.number, 0);
  }

  /** Whether it was handed on. */
  get isMoved(): boolean {
    return this.#movedTo !== undefined;
  }

  /** What every call rejects with once it isn't ours any more. */
  closedError(): ClosedError {
    if (this.#movedTo === undefined) return new ClosedError(`${this.toString()} is closed`);
    return new MovedError(`${this.toString()} is not here any more: it was handed to ${this.#movedTo}`);
  }
}

import { constants } from 'node:os';
import { ClosedError, MovedError, SystemError } from '../errors.js';
import { Calls } from './calls.js';
import { HOLDS_LOOP, native, READABLE, WRITABLE, type NativePoll } from './native.js';
import { type OwnedFd } from './owned-fd.js';
import { setImmediate } from '../wait/saved-globals.js';
import { isTerminalMaster, type Transport } from './transport.js';

/** The result of a non-blocking call that would have to wait. */
export const EAGAIN = -constants.errno.EAGAIN;
const ECONNRESET = -constants.errno.ECONNRESET;
const EIO = -constants.errno.EIO;
const EPIPE = -constants.errno.EPIPE;

/**
 * The bytes that one descriptor may move in one turn of the event loop: about 0.3 ms of copying. Timers and other
 * descriptors run after that. Code that takes longer for small pieces of it must stop earlier.
 */
const BUDGET = 1024 * 1024;

/** The cost of a call in addition to its bytes, so that a loop of small calls also ends its turn. */
const CALL_COST = 1024;

/** The result of the binding if the memory is shorter than it was. */
export const EFAULT = -constants.errno.EFAULT;

const SHUT_RD = 0;
const SHUT_WR = 1;

/** A stream that waits for a descriptor. */
export interface Interest {
  /** A call may succeed now. */
  ready(): void;
  /** The descriptor was closed. */
  closed(): void;
  /** False: the wait does not keep the event loop alive. Otherwise {@link Descriptor.holdLoop} decides. */
  readonly holdsLoop?: boolean;
}

/**
 * An open descriptor on the event loop: its calls, the streams that wait for it, and its end. A stream that waits registers
 * its interest. Nothing here refers to an idle stream, so that it can be collected if the program drops it.
 */
export class Descriptor {
  readonly #owned: OwnedFd;
  readonly #transport: Transport;
  readonly #calls: Calls;
  #poll: NativePoll | undefined;
  /** The binding reads the events of interest here, and writes whether a callback runs. See `native/poll.c`. */
  readonly #interests = new Int32Array(2);
  #reading: Interest | undefined;
  #writing: Interest | undefined;
  #readHolds = true;
  #writeHolds = true;
  #readBudget = BUDGET;
  #writeBudget = BUDGET;
  #openSides: number;
  /** Runs in the next turn of the event loop: a writer that has used up its budget goes on then. */
  #nextShare: NodeJS.Immediate | undefined;
  #spin = 0;
  #movedTo: string | undefined;
  /** Bytes that a writer has accepted and the kernel has not. */
  unflushed = 0;

  constructor(owned: OwnedFd, transport: Transport, directions: number) {
    this.#owned = owned;
    this.#transport = transport;
    this.#openSides = directions;
    this.#calls = new Calls(owned, transport, directions);
  }

  get isSocket(): boolean {
    return this.#transport.isSocket;
  }

  /**
   * Whether a short read does not mean that nothing more is there: a terminal gives at most a page at once, and the system moves the
   * next one there while it is asked (tty_buffer_flush_work() of Linux). False if others can change the mode: the next read could block.
   */
  get givesPages(): boolean {
    return this.#transport.isTerminal && !this.#transport.isShared;
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

  /** Whether a call waits or bytes are unflushed: such a descriptor can neither close nor move. */
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

  /** Returns the number of bytes, 0 at the end of the stream, or {@link EAGAIN}. Throws for other failures. */
  read(bytes: Buffer, offset: number, length: number): number {
    return this.#read(this.#calls.read(bytes, offset, length));
  }

  /**
   * Reads as {@link read} does, and takes the descriptors that came along: `passed[0]` is how many follow it there, or -1 if
   * the kernel could not pass all of them on.
   */
  receive(bytes: Buffer, offset: number, length: number, passed: Int32Array): number {
    passed[0] = 0;
    if (!this.#transport.isSocket) return this.read(bytes, offset, length);
    return this.#read(this.#calls.receive(bytes, offset, length, passed));
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

  /** False if the budget of this turn is used up: wait for the next turn of the event loop before the next call. */
  get mayReadNow(): boolean {
    return this.#readBudget > 0;
  }

  get mayWriteNow(): boolean {
    return this.#writeBudget > 0;
  }

  /** Returns the number of bytes, or a negative errno. */
  write(parts: readonly Buffer[], offset: number): number {
    return this.#written(this.#calls.write(parts, offset));
  }

  /** Writes one part, with descriptors if `passed` has any. The caller must still close them. */
  send(bytes: Buffer, offset: number, length: number, passed: Int32Array | undefined): number {
    return this.#written(this.#calls.send(bytes, offset, length, passed));
  }

  #written(result: number): number {
    if (result > 0) this.#writeBudget -= result + CALL_COST;
    // No program has the terminal open any more, or it was hung up: to a writer, its reader has closed.
    if (result === EIO && this.#transport.isTerminal) return EPIPE;
    return result;
  }

  /** Whether the peer of a local socket has closed, and not only half-closed. A send of no bytes tells. */
  get isPeerGone(): boolean {
    return this.#calls.isPeerGone;
  }

  /** Calls `interest` each time that there may be bytes to read, until it is unset. */
  waitReadable(interest: Interest | undefined): void {
    if (this.#reading === interest) return;
    const before = this.#reading;
    this.#reading = interest;
    const result = this.#updatePoll();
    if (result >= 0) return;
    // Nothing watches the descriptor: the next wait must try again.
    this.#reading = before;
    throw new SystemError(result, 'poll', this.toString());
  }

  /**
   * Calls `interest` each time that there may be room to write, until it is unset. Returns a negative errno if the event loop cannot
   * watch the descriptor: nothing calls `interest` then.
   */
  waitWritable(interest: Interest | undefined): number {
    if (interest !== undefined && !this.mayWriteNow) this.#waitForShare();
    else if (this.#writing === interest) return 0;
    this.#writing = interest;
    const result = this.#updatePoll();
    if (result < 0) this.#writing = undefined;
    return result;
  }

  /** Does not wait for the poll: a socket is writable only when most of it is empty, and then its reader is idle. */
  #waitForShare(): void {
    if (this.#nextShare !== undefined) return;
    this.#nextShare = setImmediate(() => {
      this.#nextShare = undefined;
      this.#writeBudget = BUDGET;
      // It waits anew if it must, and hears then if the descriptor cannot be watched.
      const interest = this.#writing;
      this.#writing = undefined;
      interest?.ready();
    });
    if (!this.#writeHolds) this.#nextShare.unref();
  }

  /** Blocks the thread until there is room. Returns false after `milliseconds`. For a process that exits. */
  blockUntilWritable(milliseconds: number): boolean {
    this.#writeBudget = BUDGET;
    return native().waitWritable(this.#owned.number, milliseconds) > 0;
  }

  /** Sets whether a wait for that direction keeps the event loop alive. */
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

  /** Sets for how many microseconds the event loop looks again before it sleeps, while a read waits. */
  spin(microseconds: number): void {
    this.#spin = microseconds;
    if (this.#poll !== undefined) native().pollSpin(this.#poll, microseconds);
  }

  /** Returns a negative errno if the event loop cannot watch the descriptor: another watcher has the same number, say. */
  #updatePoll(): number {
    const reads = this.#reading !== undefined;
    const writes = this.#writing !== undefined && this.#nextShare === undefined;
    if (this.#poll === undefined) {
      if ((!reads && !writes) || this.isClosed) return 0;
      const poll = native().pollOpen(
        this.#owned.number,
        (events) => {
          this.#onEvents(events);
        },
        this.#interests,
      );
      if (typeof poll === 'number') return poll;
      this.#poll = poll;
      if (this.#spin > 0) native().pollSpin(poll, this.#spin);
    }
    const holds = (this.#readHolds && reads && this.#reading?.holdsLoop !== false) || (this.#writeHolds && writes);
    const interest = (reads ? READABLE : 0) | (writes ? WRITABLE : 0) | (holds ? HOLDS_LOOP : 0);
    if (this.#interests[0] === interest) return 0;
    this.#interests[0] = interest;
    // After a callback the binding looks by itself: mostly nothing has changed.
    if (this.#interests[1] === 0) native().pollUpdate(this.#poll);
    return 0;
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

  /** Ends one direction. The last one closes the descriptor. The caller must have failed the waiting streams before. */
  closeSide(side: number): void {
    if ((this.#openSides & side) === 0) return;
    this.#openSides &= ~side;
    if (side & READABLE) this.#reading = undefined;
    if (side & WRITABLE) this.#writing = undefined;
    if (this.#openSides !== 0) {
      this.#updatePoll();
      // ENOTCONN is no failure: the peer has closed already.
      native().shutdown(this.#owned.number, side & READABLE ? SHUT_RD : SHUT_WR);
      return;
    }
    this.#letGo();
    this.#owned.close();
  }

  /** Ends one direction as {@link closeSide} does. Throws nothing: a stream that is dropped has no use for the error. */
  discardSide(side: number): void {
    try {
      this.closeSide(side);
    } catch {
      // Other code has closed the descriptor.
    }
  }

  /** Closes both directions, and tells the streams that wait. Throws nothing. */
  dispose(): void {
    this.#reading?.closed();
    this.#writing?.closed();
    this.discardSide(READABLE | WRITABLE);
  }

  /** Gives the descriptor up without closing it. It must be idle. Later errors name `destination`. */
  release(destination: string): OwnedFd {
    this.#openSides = 0;
    this.#movedTo = destination;
    this.#letGo();
    return this.#owned;
  }

  /** libuv must stop watching a number before the system can use it again. */
  #letGo(): void {
    if (this.#poll !== undefined) native().pollClose(this.#poll);
    this.#poll = undefined;
    this.#calls.restoreMode();
  }

  /** Whether it was handed on. */
  get isMoved(): boolean {
    return this.#movedTo !== undefined;
  }

  /** The error of each call after the descriptor has closed or moved. */
  closedError(): ClosedError {
    if (this.#movedTo === undefined) return new ClosedError(`${this.toString()} is closed`);
    return new MovedError(`${this.toString()} was handed to ${this.#movedTo}`);
  }
}

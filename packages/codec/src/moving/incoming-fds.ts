import { native, OwnedFd } from '@aiopipe/core/internal';
import { MAX_DESCRIPTORS } from './description.js';

/** A descriptor, and how many bytes of the stream had come with it: its message begins before that. */
interface Arrival {
  readonly fd: OwnedFd;
  readonly before: number;
}

/** The descriptors that came with the bytes, in the order of the messages that they belong to. */
export class IncomingFds {
  /** The receiving call fills it: the number of descriptors, then each. */
  readonly arrivals = new Int32Array(254);
  #fds: Arrival[] = [];
  /** Whether the kernel could not deliver some. */
  wereLost = false;
  /** The handles of the message that was decoded last, while it may still be refused. */
  made: { closeAll(): void } | undefined;

  /**
   * Takes in the descriptors of the last call. If some were lost on the way, later ones are closed: the message that lacks
   * its descriptors ends the channel.
   *
   * @param before - how many bytes of the stream have come in all
   */
  collect(before: number): void {
    const count = this.arrivals[0] ?? 0;
    if (count < 0) this.wereLost = true;
    for (let i = 1; i <= count; i++) {
      const fd = this.arrivals[i] as number;
      if (this.wereLost) native().close(fd);
      else this.give(fd, before);
    }
  }

  give(fd: number, before: number): void {
    this.#fds.push({ fd: new OwnedFd(fd, 'handle'), before });
  }

  /** Whether some came with the messages before this byte of the stream and were not taken. They belong to no later message. */
  hasLeftBefore(position: number): boolean {
    const first = this.#fds[0];
    return first !== undefined && first.before <= position;
  }

  /** A peer that sends one message without end can send descriptors with each of its bytes. */
  get areTooMany(): boolean {
    // The last call may have brought descriptors of the next message, too.
    return this.#fds.length > MAX_DESCRIPTORS + this.arrivals.length;
  }

  get count(): number {
    return this.#fds.length;
  }

  take(count: number): OwnedFd[] {
    return this.#fds.splice(0, count).map(({ fd }) => fd);
  }

  /** The descriptors that are here and were not taken. */
  get all(): readonly OwnedFd[] {
    return this.#fds.map(({ fd }) => fd);
  }

  forgetAll(): void {
    this.#fds = [];
  }

  closeAll(): void {
    for (const { fd } of this.#fds.splice(0)) fd.discard();
    this.closeMade();
  }

  /** Closes the handles of a message that is refused. */
  closeMade(): void {
    this.made?.closeAll();
    this.made = undefined;
  }
}

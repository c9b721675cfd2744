import { type Descriptor } from '../fd/descriptor.js';
import { ByteQueue } from './byte-queue.js';
import { slab } from './slab.js';

/** The bytes that were read from a descriptor and that no call has taken yet. */
export class Incoming {
  readonly queue = new ByteQueue();
  /** The end of the stream was met, perhaps behind bytes that are still in the queue. */
  ended = false;
  /** The last system call got less than it had room for: the next one would only hear EAGAIN. */
  isDrained = false;
  /** The descriptor failed, behind the bytes that are still in the queue. */
  failure: Error | undefined;
  readonly #descriptor: Descriptor;

  constructor(descriptor: Descriptor) {
    this.#descriptor = descriptor;
  }

  /** Makes one system call, to the queue. Returns false if nothing is there at the moment. */
  readonly fill = (): boolean => {
    slab.makeRoom();
    const count = this.receive(slab.bytes, slab.used, slab.room);
    if (count > 0) this.queue.push(slab.take(count));
    return count >= 0;
  };

  /** Makes one system call. Returns how many bytes came; 0 at the end or if the descriptor failed; EAGAIN, which is negative. */
  receive(bytes: Buffer, offset: number, room: number): number {
    let count: number;
    try {
      count = this.#descriptor.read(bytes, offset, room);
    } catch (error) {
      this.failure = error as Error;
      return 0;
    }
    this.isDrained = this.#descriptor.givesPages ? count <= 0 : count < room;
    if (count === 0) this.ended = true;
    return count;
  }

  /** Takes at most `size` bytes: none at the end of the stream. Undefined if none are there yet. */
  some(size: number): Buffer | undefined {
    const { length } = this.queue;
    if (length > 0) return this.queue.take(Math.min(size, length));
    return this.ended ? this.queue.take(0) : undefined;
  }

  /** Takes all bytes once the stream has ended. */
  all(): Buffer | undefined {
    return this.ended ? this.queue.take(this.queue.length) : undefined;
  }

  /** Tries until there is a result, or nothing more to try with now. A failure counts behind the bytes before it. */
  tryNow<T>(attempt: () => T | undefined, fill: () => boolean): T | undefined {
    let result = this.try(attempt);
    while (result === undefined && !this.isDrained && this.#descriptor.mayReadNow && fill()) result = this.try(attempt);
    return result;
  }

  try<T>(attempt: () => T | undefined): T | undefined {
    const result = attempt();
    if (result === undefined && this.failure !== undefined) throw this.failure;
    return result;
  }
}

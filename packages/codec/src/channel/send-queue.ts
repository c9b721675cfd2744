import { type Descriptor, EAGAIN, type OwnedFd } from '@aiopipe/core/internal';
import { Output } from '../serializer/output.js';

/** The number of descriptors that one system call carries. */
const MAX_PASSED = 253;

/** Descriptors that must go with the byte at `position` of the output, the first byte of their message. */
interface Parcel {
  readonly position: number;
  readonly fds: OwnedFd[];
}

/** The frames that the kernel has not taken yet, with the descriptors that travel with them. */
export class SendQueue {
  /** The next frame is written behind the queued bytes. It is part of the queue once it is {@link commit}ted. */
  readonly output = new Output();
  /** The bytes of the output from `head` to `end` are queued. */
  #head = 0;
  #end = 0;
  #parcels: Parcel[] = [];

  /** The number of queued bytes. */
  get length(): number {
    return this.#end - this.#head;
  }

  get hasDescriptors(): boolean {
    return this.#parcels.length > 0;
  }

  /** The queued bytes, where they are. */
  get bytes(): Buffer {
    return this.output.buffer.subarray(this.#head, this.#end);
  }

  /** Queues what was appended to the output. Returns the number of bytes. */
  commit(fds: OwnedFd[] = []): number {
    const count = this.output.position - this.#end;
    if (fds.length > 0) this.#parcels.push({ position: this.#end, fds });
    this.#end = this.output.position;
    return count;
  }

  /** Forgets what was appended to the output since the last {@link commit}. */
  rollBack(): void {
    this.output.position = this.#end;
  }

  /** Makes one system call. Returns the number of bytes written; 0 if the pipe is full; else a negative errno. */
  write(descriptor: Descriptor): number {
    const [parcel, second] = this.#parcels;
    const isHere = parcel !== undefined && parcel.position === this.#head;
    const end = (isHere ? second : parcel)?.position ?? this.#end;
    let length = end - this.#head;
    let passed: OwnedFd[] = [];
    if (isHere) {
      passed = parcel.fds.slice(0, MAX_PASSED);
      // A call that carries descriptors needs a byte of its own. The rest of the descriptors goes with the next byte.
      if (parcel.fds.length > MAX_PASSED) length = 1;
    }
    const numbers = isHere ? Int32Array.from(passed, (fd) => fd.number) : undefined;
    const result = descriptor.send(this.output.buffer, this.#head, length, numbers);
    if (result < 0) return result === EAGAIN ? 0 : result;

    this.#head += result;
    if (isHere) {
      // Also a partial send has carried all of them.
      for (const fd of passed) fd.discard();
      this.#parcels.shift();
      const rest = parcel.fds.slice(MAX_PASSED);
      if (rest.length > 0) this.#parcels.unshift({ position: this.#head, fds: rest });
    }
    return result;
  }

  /** Takes `count` bytes off the front, which were written otherwise. */
  advance(count: number): void {
    this.#head += count;
  }

  /** Lets the next frame begin at the front again. Call it if no byte is queued and none is being appended. */
  rewind(): void {
    this.#head = this.#end = 0;
    this.output.empty();
  }

  /** Drops the queued bytes, and closes the descriptors that would have travelled with them. */
  drop(): void {
    this.#head = this.#end;
    for (const { fds } of this.#parcels.splice(0)) for (const fd of fds) fd.discard();
  }
}

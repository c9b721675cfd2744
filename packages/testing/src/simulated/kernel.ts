import { constants } from 'node:os';
import { Flow, type Parcel } from './flow.js';

const { EAGAIN, EBADF, ECONNRESET, EPIPE, ENOBUFS } = constants.errno;

const READABLE = 1;
const WRITABLE = 2;
const PIPE = 1;
const SOCKET = 2;
const CAN_READ = 16;
const CAN_WRITE = 32;
const IS_LOCAL = 64;

/** An open file description. */
interface Description {
  readonly kind: number;
  readonly input: Flow | undefined;
  readonly output: Flow | undefined;
  /** Descriptors, and messages on their way, that refer to it. */
  references: number;
}

interface Poll {
  readonly fd: number;
  readonly callback: (events: number) => void;
  readonly interests: Int32Array;
  wanted: number;
}

/** The rare behaviour of the kernel. Each value is a chance from 0 to 1. */
export interface KernelMoods {
  /** A call moves fewer bytes than it could. */
  readonly short: number;
  /** A call that could move bytes says EAGAIN. */
  readonly again: number;
  /** An event comes though nothing is ready any more. */
  readonly spurious: number;
  /** A message with descriptors cannot be sent: ENOBUFS. */
  readonly noBuffers: number;
  /** Descriptors that came cannot be handed over: too many are open. */
  readonly lost: number;
}

export const CALM: KernelMoods = { short: 0, again: 0, spurious: 0, noBuffers: 0, lost: 0 };

/**
 * Pipes and socket pairs without a system: it answers the calls of core's native binding, so core and codec run over it
 * unchanged. A test decides when which events come; the rest is chance from a seed.
 */
export class SimulatedKernel {
  moods = CALM;
  /** The bytes that a pipe or one direction of a socket holds. */
  capacity = 65_536;
  random: () => number = () => 0;
  /** Calls that no correct program makes. */
  readonly wrong: string[] = [];
  readonly #open = new Map<number, Description>();
  #polls: Poll[] = [];
  #owned = 0;

  /** Runs `load`; the modules that it loads get this kernel instead of the binding. */
  async during<T>(load: () => Promise<T>): Promise<T> {
    const { dlopen } = process;
    process.dlopen = (module: object) => {
      (module as { exports: unknown }).exports = this.#binding();
    };
    try {
      return await load();
    } finally {
      process.dlopen = dlopen;
    }
  }

  /** The numbers of the open descriptors. */
  get descriptors(): number[] {
    return [...this.#open.keys()];
  }

  /** Calls back one poll whose descriptor is ready. Returns false if there is none. */
  deliver(): boolean {
    if (this.#polls.length === 0) return false;
    const isSpurious = this.random() < this.moods.spurious;
    const first = Math.floor(this.random() * this.#polls.length);
    for (let i = 0; i < this.#polls.length; i++) {
      const poll = this.#polls[(first + i) % this.#polls.length] as Poll;
      const events = poll.wanted & (isSpurious ? READABLE | WRITABLE : this.#events(poll.fd));
      if (events === 0) continue;
      poll.interests[1] = 1;
      poll.callback(events);
      poll.interests[1] = 0;
      update(poll);
      return true;
    }
    return false;
  }

  #events(fd: number): number {
    const { input, output } = this.#open.get(fd) as Description;
    let events = 0;
    if (input !== undefined && (input.length > 0 || input.isEnded)) events |= READABLE;
    if (output !== undefined && (output.room > 0 || output.isUnread)) events |= WRITABLE;
    // POLLHUP or POLLERR come to every poll.
    if (output === undefined ? input?.isEnded : output.isUnread && (input === undefined || input.isEnded))
      events |= READABLE | WRITABLE;
    return events;
  }

  #add(description: Description): number {
    let fd = 10;
    // Takes the lowest free number, as the system does. So a descriptor that is closed twice soon closes another one.
    while (this.#open.has(fd)) fd++;
    this.#open.set(fd, description);
    description.references++;
    return fd;
  }

  #remove(fd: number): number {
    const description = this.#open.get(fd);
    if (description === undefined) {
      this.wrong.push(`close(${String(fd)}), which is not open`);
      return -EBADF;
    }
    if (this.#polls.some((poll) => poll.fd === fd)) this.wrong.push(`close(${String(fd)}), which is polled`);
    this.#open.delete(fd);
    this.#release(description);
    return 0;
  }

  #release(description: Description): void {
    if (--description.references > 0) return;
    const { input, output } = description;
    if (output !== undefined) output.isEnded = true;
    if (input === undefined) return;
    // If not all was read, a peer that still waits gets an error.
    if (output !== undefined && input.length > 0) output.wasReset = true;
    input.isUnread = true;
    for (const parcel of input.drop()) this.#discard(parcel);
  }

  #discard({ descriptions }: Parcel): void {
    for (const description of descriptions as Description[]) this.#release(description);
  }

  #size(possible: number): number {
    return this.random() < this.moods.short ? 1 + Math.floor(this.random() ** 3 * possible) : possible;
  }

  #read(fd: number, bytes: Uint8Array, offset: number, length: number, passed: Int32Array | undefined): number {
    if (passed !== undefined) passed[0] = 0;
    const flow = this.#open.get(fd)?.input;
    if (flow === undefined) return this.#bad(fd, 'read');
    if (flow.length === 0) {
      if (!flow.isEnded) return -EAGAIN;
      if (!flow.wasReset) return 0;
      flow.wasReset = false;
      return -ECONNRESET;
    }
    if (this.random() < this.moods.again) return -EAGAIN;
    const { count, parcel } = flow.take(bytes, offset, this.#size(Math.min(length, flow.length)));
    if (parcel === undefined) return count;
    if (passed === undefined) this.#discard(parcel);
    else if (this.random() < this.moods.lost) {
      this.#discard(parcel);
      passed[0] = -1;
    } else {
      const descriptions = parcel.descriptions as Description[];
      passed[0] = descriptions.length;
      descriptions.forEach((description, i) => {
        passed[i + 1] = this.#add(description);
        description.references--;
      });
    }
    return count;
  }

  #write(fd: number, parts: readonly Uint8Array[], passed?: Int32Array): number {
    const flow = this.#open.get(fd)?.output;
    if (flow === undefined) return this.#bad(fd, 'write');
    if (flow.isEnded) return -EPIPE;
    const whole = parts.reduce((sum, { length }) => sum + length, 0);
    if (flow.isUnread) return -EPIPE;
    if (whole === 0) return 0;
    if (flow.room === 0 || this.random() < this.moods.again) return -EAGAIN;
    if (passed !== undefined && this.random() < this.moods.noBuffers) return -ENOBUFS;
    const count = this.#size(Math.min(whole, flow.room));
    const descriptions = [...(passed ?? [])].map((number) => {
      const description = this.#open.get(number);
      if (description === undefined) throw new Error(`fd ${String(number)} is passed on, and is not open`);
      description.references++;
      return description;
    });
    flow.put(parts, count, descriptions.length > 0 ? descriptions : undefined);
    return count;
  }

  #bad(fd: number, call: string): number {
    this.wrong.push(`${call}(${String(fd)}), which is not open for that`);
    return -EBADF;
  }

  #pair(out: Int32Array, one: Partial<Description>, other: Partial<Description>, kind: number): number {
    const nothing = { kind, input: undefined, output: undefined, references: 0 };
    out[0] = this.#add({ ...nothing, ...one });
    out[1] = this.#add({ ...nothing, ...other });
    return 0;
  }

  #binding(): Record<string, unknown> {
    return {
      pipe: (out: Int32Array, capacity: number) => {
        const flow = new Flow(capacity || this.capacity);
        return this.#pair(out, { input: flow }, { output: flow }, PIPE);
      },
      socketpair: (out: Int32Array) => {
        const [there, back] = [new Flow(this.capacity), new Flow(this.capacity)];
        return this.#pair(out, { input: back, output: there }, { input: there, output: back }, SOCKET);
      },
      read: (fd: number, bytes: Uint8Array, offset: number, length: number) =>
        this.#read(fd, bytes, offset, length, undefined),
      receive: (fd: number, bytes: Uint8Array, offset: number, length: number, passed: Int32Array) =>
        this.#read(fd, bytes, offset, length, passed),
      write: (fd: number, bytes: Uint8Array, offset: number, length: number) =>
        this.#write(fd, [bytes.subarray(offset, offset + length)]),
      writeParts: (fd: number, parts: readonly Uint8Array[], offset: number, _: number, passed?: Int32Array) =>
        this.#write(fd, [(parts[0] as Uint8Array).subarray(offset), ...parts.slice(1)], passed),
      close: (fd: number) => this.#remove(fd),
      closeOwned: (fd: number) => {
        this.#owned--;
        return this.#remove(fd);
      },
      own: (_: number, weight: number) => (this.#owned += Math.sign(weight)),
      disown: () => this.#owned--,
      describe: (fd: number) => {
        const description = this.#open.get(fd);
        if (description === undefined) return -EBADF;
        const { kind, input, output } = description;
        return kind | (input ? CAN_READ : 0) | (output ? CAN_WRITE : 0) | (kind === SOCKET ? IS_LOCAL : 0);
      },
      setCloseOnExec: () => 0,
      setNonblocking: () => 0,
      reopenNonblocking: () => 0,
      fdLimit: () => 1024,
      shutdown: (fd: number, how: number) => {
        const description = this.#open.get(fd);
        if (description?.output !== undefined && how !== 0) description.output.isEnded = true;
        if (description?.input !== undefined && how !== 1) description.input.isUnread = true;
        return 0;
      },
      pollOpen: (fd: number, callback: Poll['callback'], interests: Int32Array) => {
        if (!this.#open.has(fd)) return this.#bad(fd, 'poll');
        const poll: Poll = { fd, callback, interests, wanted: 0 };
        this.#polls.push(poll);
        return poll;
      },
      pollUpdate: update,
      pollClose: (poll: Poll) => {
        poll.wanted = 0;
        this.#polls = this.#polls.filter((other) => other !== poll);
      },
      pollSpin: () => undefined,
    };
  }

  /** Returns the descriptors that are still open, polled or owned, and all wrong calls. */
  leftovers(): string[] {
    const left = this.#open.size + this.#polls.length + Math.abs(this.#owned);
    const counts = `${String(this.#open.size)} open, ${String(this.#polls.length)} polled, ${String(this.#owned)} owned`;
    return [...this.wrong, ...(left > 0 ? [counts] : [])];
  }
}

function update(poll: Poll): void {
  poll.wanted = (poll.interests[0] as number) & (READABLE | WRITABLE);
}

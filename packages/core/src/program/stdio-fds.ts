import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { ReadEnd, WriteEnd } from '../end/ends.js';
import { SystemError } from '../errors.js';
import { native } from '../fd/native.js';
import { OwnedFd } from '../fd/owned-fd.js';
import { PIPE } from '../fd/transport.js';
import { move } from '../move/handle.js';
import { type CallSite } from '../wait/call-site.js';
import { lend } from './lent-fds.js';
import { openFile, writingFlags } from './open-file.js';
import { isEnd, isFileHandle, type FileTarget, type Slot } from './stdio.js';
import { Terminal, type TerminalSize } from './terminal.js';

/**
 * Bytes that a child's stdin and stdout hold. Programs write and read 128 KiB at once (coreutils' `cat`, `head`, `wc`),
 * which the system's 64 KiB would cut in two, with a sleep between them: for the same bytes twice the context switches.
 */
const CAPACITY = 128 * 1024;

/** The child that gets the descriptors. */
export interface Receiver {
  /** How messages name it: `ls -l`, `process hash`. */
  readonly name: string;
  /** Programs do not expect EAGAIN, so they get descriptors that block. Node makes what it reads and writes non-blocking. */
  readonly needsBlocking: boolean;
  /** The public function that the user called, or the site of that call: messages name its place. */
  readonly maker: ((...args: never[]) => unknown) | CallSite;
  /** The size of the terminal that is made for it: what its slots mean by `terminal`. */
  readonly terminal?: TerminalSize | undefined;
}

/**
 * The descriptors of a child that is going to start: {@link open} makes those that are to be made, {@link take} moves the
 * ends that were given. There are two lists of what must be closed: what the child gets is closed as soon as it has its
 * copies (or could not be started), what is ours lives on if it could.
 */
export class StdioFds {
  stdin: WriteEnd | undefined;
  stdout: ReadEnd | undefined;
  stderr: ReadEnd | undefined;
  terminal: Terminal | undefined;
  readonly #slots: readonly Slot[];
  readonly #receiver: Receiver;
  readonly #numbers = new Map<number, number>();
  readonly #closeAfterStart: (() => void)[] = [];
  readonly #giveBack: (() => void)[] = [];

  constructor(slots: readonly Slot[], receiver: Receiver) {
    this.#slots = slots;
    this.#receiver = receiver;
  }

  /** Does both. If it throws, nothing is left, and the ends that were given are closed. */
  prepare(): this {
    try {
      // The ends first: whatever fails from here on, all of them have moved, and are closed.
      return this.take().open();
    } catch (error) {
      this.fail();
      throw error;
    }
  }

  /** Opens files and makes pipes. If it throws, {@link fail} closes what it had made. */
  open(): this {
    for (const { fd, name, spec } of this.#slots) {
      if (!isEnd(spec) && spec !== 'stdout') this.#numbers.set(fd, this.#make(fd, name, spec));
    }
    return this;
  }

  /** Moves the ends that were given: once, and for good. */
  take(): this {
    const moved = new Map<unknown, OwnedFd>();
    for (const { fd, name, spec } of this.#slots) {
      if (!isEnd(spec)) continue;
      let owned = moved.get(spec);
      if (owned === undefined) {
        owned = move(spec, `${this.#receiver.name}, as its ${name}`).fds[0] as OwnedFd;
        const taken = owned;
        this.#closeAfterStart.push(() => {
          taken.close();
        });
        moved.set(spec, owned);
      }
      // Nothing here uses it any more: its mode may change.
      if (this.#receiver.needsBlocking) native().setNonblocking(owned.number, 0);
      this.#numbers.set(fd, owned.number);
    }
    return this;
  }

  /** Our number for each of the child's, once all are there. */
  get map(): ReadonlyMap<number, number> {
    // `2>&1`: the child's 2 is the descriptor that its 1 is. The slots are in the order of their numbers, so 1 is known.
    for (const { fd, spec } of this.#slots) {
      if (spec === 'stdout') this.#numbers.set(fd, this.#numbers.get(1) as number);
    }
    return this.#numbers;
  }

  #make(fd: number, name: string, spec: Exclude<Slot['spec'], 'stdout'>): number {
    if (spec === 'terminal') return this.#terminal();
    if (spec === 'inherit') return this.#lend(fd);
    if (spec === 'ignore') return this.#open('/dev/null', fd === 0 ? 'r' : 'w', name);
    if (spec === 'pipe') return this.#pipe(fd, name);
    if (typeof spec === 'number') return spec;
    if (isFileHandle(spec)) return this.#lend(spec.fd);
    const { file } = spec as FileTarget;
    return this.#open(file, fd === 0 ? 'r' : writingFlags(spec as FileTarget), name);
  }

  #lend(ours: number): number {
    if (!this.#receiver.needsBlocking) return ours;
    const { fd, close, giveBack } = lend(ours);
    if (close !== undefined) this.#closeAfterStart.push(close);
    if (giveBack !== undefined) this.#giveBack.push(giveBack);
    return fd;
  }

  #open(file: string, flags: string, name: string): number {
    const fd = openFile(file, flags, `${name} of ${this.#receiver.name}`);
    // By Node, as it was opened: a worker thread closes at its end all that it takes for open, even if the number is another's.
    this.#closeAfterStart.push(() => {
      closeSync(fd);
    });
    return fd;
  }

  #pipe(fd: number, name: string): number {
    const { name: receiver, maker } = this.#receiver;
    const what = `${name} of ${receiver}`;
    const fds = new Int32Array(2);
    let result = native().pipe(fds, fd === 2 ? 0 : CAPACITY);
    // EPERM: the pipes of one user have a limit together (pipe(7)), but one of the system's size can be made.
    if (result === -constants.errno.EPERM) result = native().pipe(fds, 0);
    if (result < 0) throw new SystemError(result, 'pipe', `cannot make a pipe for ${what}`);
    const [read, write] = fds as unknown as [number, number];
    if (fd === 0) {
      this.stdin = WriteEnd.make(new OwnedFd(write, what, maker), PIPE);
      return this.#theirs(read);
    }
    const ours = ReadEnd.make(new OwnedFd(read, what, maker), PIPE);
    if (fd === 1) this.stdout = ours;
    else this.stderr = ours;
    return this.#theirs(write);
  }

  /** Makes the terminal for the first slot. The others share its descriptor. */
  #terminal(): number {
    const { name, maker, terminal: size } = this.#receiver;
    if (this.terminal !== undefined) return this.terminal.theirs;
    this.terminal = new Terminal(size as TerminalSize, `terminal of ${name}`, maker);
    return this.#theirs(this.terminal.theirs);
  }

  #theirs(fd: number): number {
    this.#closeAfterStart.push(() => {
      native().close(fd);
    });
    return fd;
  }

  /** Closes the descriptors that only the child needs, once it has its copies. */
  started(): void {
    for (const close of this.#closeAfterStart.splice(0)) close();
  }

  /** There is no child: closes everything, also the ends that were taken. */
  fail(): void {
    this.started();
    this.closeOurs();
    this.giveBack();
  }

  /** Closes our ends of the pipes and of the terminal, as far as they are still here. */
  closeOurs(): void {
    for (const end of [this.stdin, this.stdout, this.stderr, this.terminal?.end]) end?.[Symbol.dispose]();
  }

  /** Restores the lent descriptors. Call it when the child has ended. */
  giveBack(): void {
    for (const giveBack of this.#giveBack.splice(0)) giveBack();
  }

  /** Calls {@link giveBack} then, if there will be something to do. */
  giveBackAfter(end: Promise<unknown>): void {
    if (this.#giveBack.length === 0) return;
    void end.then(() => {
      this.giveBack();
    });
  }
}

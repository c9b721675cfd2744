import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { ReadEnd, SystemError, WriteEnd } from '@aiopipe/core';
import { HANDLE, native, OwnedFd, PIPE, READABLE, WRITABLE } from '@aiopipe/core/internal';
import { lend } from './lent-fds.js';
import { isEnd, isFileHandle, type FileTarget, type Slot } from './stdio.js';

/** @param what - what the file is opened as, in the words of the {@link SystemError} */
export function openFile(file: string, flags: string, what: string): number {
  try {
    return openSync(file, flags);
  } catch (cause) {
    const { errno = 0 } = cause as NodeJS.ErrnoException;
    throw new SystemError(errno, 'open', `can't open ${JSON.stringify(file)} as ${what}`, { path: file });
  }
}

/**
 * Bytes that a program's stdin and stdout hold. Programs write and read 128 KiB at once (coreutils' `cat`, `head`, `wc`),
 * which the system's 64 KiB would cut in two, with a sleep between them: for the same bytes twice the context switches.
 */
const CAPACITY = 128 * 1024;

/** As a shell's `>>` and `>`. */
export function writingFlags({ append }: FileTarget): string {
  return append === true ? 'a' : 'w';
}

/**
 * The descriptors of a program, taken and made. There are two lists of what must be closed: what the program gets is
 * closed as soon as it has its copies (or could not be started), what is ours lives on if it could.
 */
export class ProgramFds {
  /** Our number for each of the program's. */
  readonly map = new Map<number, number>();
  stdin: WriteEnd | undefined;
  stdout: ReadEnd | undefined;
  stderr: ReadEnd | undefined;
  readonly #program: string;
  readonly #maker: (...args: never[]) => unknown;
  readonly #closeAfterStart: (() => void)[] = [];
  readonly #giveBack: (() => void)[] = [];

  /**
   * @param program - as it is named in messages
   * @param maker - the public function that the user called: messages name the place of that call
   */
  constructor(slots: readonly Slot[], program: string, maker: (...args: never[]) => unknown) {
    this.#program = program;
    this.#maker = maker;
    try {
      // The ends first: whatever fails from here on, all of them have moved, and are closed.
      this.#takeEnds(slots);
      for (const slot of slots) if (!this.map.has(slot.fd)) this.map.set(slot.fd, this.#make(slot));
    } catch (error) {
      this.closeTheirs();
      this.closeOurs();
      this.giveBack();
      throw error;
    }
  }

  #takeEnds(slots: readonly Slot[]): void {
    const moved = new Map<unknown, OwnedFd>();
    for (const { fd, name, spec } of slots) {
      if (!isEnd(spec)) continue;
      let owned = moved.get(spec);
      if (owned === undefined) {
        owned = spec[HANDLE]().move(`${this.#program}, as its ${name}`).fds[0] as OwnedFd;
        const taken = owned;
        this.#closeAfterStart.push(() => {
          taken.close();
        });
        moved.set(spec, owned);
      }
      // It is nobody's here any more: its mode may change.
      native().setNonblocking(owned.number, 0);
      this.map.set(fd, owned.number);
    }
  }

  #make({ fd, name, spec }: Slot): number {
    if (spec === 'inherit') return this.#lend(fd);
    if (spec === 'ignore') return this.#open('/dev/null', fd === 0 ? 'r' : 'w', name);
    if (spec === 'pipe') return this.#pipe(fd, name);
    // The slots are in the order of their numbers, so what 1 is has been decided.
    if (spec === 'stdout') return this.map.get(1) as number;
    if (typeof spec === 'number') return spec;
    if (isFileHandle(spec)) return this.#lend(spec.fd);
    const { file } = spec as FileTarget;
    return this.#open(file, fd === 0 ? 'r' : writingFlags(spec as FileTarget), name);
  }

  #lend(ours: number): number {
    const { fd, close, giveBack } = lend(ours);
    if (close !== undefined) this.#closeAfterStart.push(close);
    if (giveBack !== undefined) this.#giveBack.push(giveBack);
    return fd;
  }

  #open(file: string, flags: string, name: string): number {
    const fd = openFile(file, flags, `${name} of ${this.#program}`);
    // By Node, as it was opened: a worker thread closes at its end what it takes for open, whoever has the number then.
    this.#closeAfterStart.push(() => {
      closeSync(fd);
    });
    return fd;
  }

  #pipe(fd: number, name: string): number {
    const what = `${name} of ${this.#program}`;
    const fds = new Int32Array(2);
    let result = native().pipe(fds, fd === 2 ? 0 : CAPACITY);
    // EPERM: one user's pipes may hold so much together and no more (pipe(7)), but one as the system makes them is to be had.
    if (result === -constants.errno.EPERM) result = native().pipe(fds, 0);
    if (result < 0) throw new SystemError(result, 'pipe', `can't make a pipe for ${what}`);
    const [read, write] = fds as unknown as [number, number];
    if (fd === 0) {
      this.stdin = new WriteEnd(new OwnedFd(write, what, this.#maker), PIPE, WRITABLE);
      return this.#theirs(read);
    }
    const ours = new ReadEnd(new OwnedFd(read, what, this.#maker), PIPE, READABLE);
    if (fd === 1) this.stdout = ours;
    else this.stderr = ours;
    return this.#theirs(write);
  }

  #theirs(fd: number): number {
    this.#closeAfterStart.push(() => {
      native().close(fd);
    });
    return fd;
  }

  closeTheirs(): void {
    for (const close of this.#closeAfterStart.splice(0)) close();
  }

  /** When the program has ended: what it shared with us is as it was. */
  giveBack(): void {
    for (const giveBack of this.#giveBack.splice(0)) giveBack();
  }

  /** {@link giveBack} then, if there will be something to do. */
  giveBackAfter(end: Promise<unknown>): void {
    if (this.#giveBack.length === 0) return;
    void end.then(() => {
      this.giveBack();
    });
  }

  closeOurs(): void {
    for (const end of [this.stdin, this.stdout, this.stderr]) end?.[Symbol.dispose]();
  }
}

import { lstatSync, openSync, realpathSync } from 'node:fs';
import { type FileHandle } from 'node:fs/promises';
import { Stream } from 'node:stream';
import { inspect } from 'node:util';
import { ClosedError, ReadEnd, SystemError, WriteEnd, type DuplexEnd } from '@aiopipe/core';
import { HANDLE, isHandle, native, OwnedFd, PIPE, READABLE, WRITABLE, type Handle } from '@aiopipe/core/internal';
import { checkText, show } from './command.js';

/** A file by its path. A relative one is taken from this process's directory, as a shell's redirection is. */
export interface FileSource {
  readonly file: string;
}

/** A file by its path: made if it isn't there, and emptied unless `append` is true. */
export interface FileTarget extends FileSource {
  readonly append?: boolean | undefined;
}

/** Where a program reads from. An end moves into the program; a FileHandle stays yours, and its offset is shared. */
export type StdinOption = 'pipe' | 'inherit' | 'ignore' | ReadEnd | DuplexEnd | FileHandle | FileSource;

/** Where a program writes to. An end moves into the program; a FileHandle stays yours, and its offset is shared. */
export type StdoutOption = 'pipe' | 'inherit' | 'ignore' | WriteEnd | DuplexEnd | FileHandle | FileTarget;

/** As {@link StdoutOption}; `stdout` is a shell's `2>&1`: one descriptor under both numbers, so the order is kept. */
export type StderrOption = StdoutOption | 'stdout';

/** A descriptor beyond the standard three. */
export type ExtraFd = ReadEnd | WriteEnd | DuplexEnd | FileHandle;

/** What a program is connected to. */
export interface StdioOptions {
  /** `inherit` by default. */
  readonly stdin?: StdinOption | undefined;
  /** `inherit` by default. */
  readonly stdout?: StdoutOption | undefined;
  /** `inherit` by default. */
  readonly stderr?: StderrOption | undefined;
  /** More descriptors by the program's own numbers, 3 and up: `{ 3: end }`. */
  readonly fds?: Readonly<Record<number, ExtraFd>> | undefined;
}

/** One descriptor of a program that is going to start: it is checked, and nothing has been taken or made for it. */
export interface Slot {
  /** The program's number. */
  readonly fd: number;
  /** `stdin`, or `fds[3]`. */
  readonly name: string;
  /** A number is one of ours, which stays ours: only chains give that. */
  readonly spec: StdinOption | StderrOption | number;
}

const NAMES = ['stdin', 'stdout', 'stderr'] as const;

/** Throws for what can't be given to a program, before anything was touched. */
export function checkStdio(options: StdioOptions): Slot[] {
  const slots = NAMES.map((name, fd) => ({ fd, name, spec: checkSpec(name, options[name] ?? 'inherit') }));
  return [...slots, ...checkExtraFds(options.fds)];
}

function checkExtraFds(fds: unknown): Slot[] {
  if (fds === undefined) return [];
  if (typeof fds !== 'object' || fds === null) {
    throw new TypeError(`fds: expected an object such as { 3: end }, not ${inspect(fds)}`);
  }
  return Object.entries(fds).map(([key, spec]) => {
    const fd = Number(key);
    if (!Number.isInteger(fd) || fd < 3 || fd > 1023) {
      throw new TypeError(
        `fds: expected numbers from 3 to 1023, not ${inspect(key)}; 0 to 2 are stdin, stdout, stderr`,
      );
    }
    const name = `fds[${key}]`;
    if (!isEnd(spec) && !isFileHandle(spec)) {
      throw new TypeError(`${name}: expected a pipe end or a FileHandle, not ${inspect(spec)}`);
    }
    return { fd, name, spec: checkSpec(name, spec) };
  });
}

function checkSpec(name: string, spec: unknown): Slot['spec'] {
  if (spec === 'pipe' || spec === 'inherit' || spec === 'ignore') return spec;
  if (spec === 'stdout' && name === 'stderr') return spec;
  if (isEnd(spec)) return checkEnd(name, spec);
  if (isFileHandle(spec)) {
    if (spec.fd < 0) throw new ClosedError(`${name}: the FileHandle is closed`);
    return spec;
  }
  if (isFileSource(spec)) {
    checkFile(name, spec.file);
    return spec;
  }
  throw new TypeError(`${name}: expected ${choices(name)}, not ${show(spec)}${hint(spec)}`);
}

function choices(name: string): string {
  const pipe = OWN_WORDS.includes(name) ? '' : "'pipe', ";
  const stdout = name === 'stderr' ? "'stdout', " : '';
  return `${pipe}'inherit', 'ignore', ${stdout}a pipe end, a FileHandle or { file: path }`;
}

function hint(spec: unknown): string {
  if (typeof spec === 'number') return '; a number becomes an end by ReadEnd.fromFd() or WriteEnd.fromFd()';
  if (spec === process.stdout) return "; process.stdout is 'inherit'";
  return spec instanceof Stream ? '; a stream has the bytes of a chain by toNode()' : '';
}

/** What is no descriptor of a program, or one that nobody here has the other end of. */
const OWN_WORDS: readonly string[] = ['output', 'tee'];

/** Throws for what can't be read from, as {@link checkStdio} does. */
export function checkSource(name: string, spec: unknown): void {
  checkSpec(name, spec);
}

/** Throws for what can't be written to, as {@link checkStdio} does. */
export function checkTarget(name: string, spec: unknown): void {
  if (spec === 'pipe') throw new TypeError(`${name}: expected ${choices(name)}, not 'pipe'`);
  checkSpec(name, spec);
}

function checkFile(name: string, file: unknown): void {
  if (typeof file !== 'string' || file === '') {
    throw new TypeError(`${name}: expected the path of a file, not ${inspect(file)}`);
  }
  checkText(`${name}.file`, file);
  if (!isFifo(file)) return;
  throw new TypeError(
    `${name}: ${inspect(file)} is a FIFO, and opening it would stop this process until its other side is opened; ` +
      `give a FileHandle (the open() of node:fs/promises waits beside the event loop) or, between programs, an aiopipe()`,
  );
}

/** A FIFO that has a name. What stands behind `/dev/stdin` is open already, and has no path that could be resolved. */
function isFifo(file: string): boolean {
  try {
    return lstatSync(realpathSync(file)).isFIFO();
  } catch {
    return false;
  }
}

const SOURCES: readonly string[] = ['stdin', 'input'];

function checkEnd(name: string, end: ReadEnd | WriteEnd | DuplexEnd): ReadEnd | WriteEnd | DuplexEnd {
  const { kind } = end[HANDLE]().pack();
  const isRead = SOURCES.includes(name);
  const wrong = isRead ? 'WriteEnd' : 'ReadEnd';
  if (kind === wrong && !name.startsWith('fds')) {
    const needs = isRead ? 'reads there, so it takes a ReadEnd' : 'writes there, so it takes a WriteEnd';
    throw new TypeError(`${name}: the program ${needs}, not a ${kind}`);
  }
  return end;
}

/** Whether it is an end of a pipe, of this copy of the core or another. */
export function isEnd(value: unknown): value is (ReadEnd | WriteEnd | DuplexEnd) & Handle {
  return isHandle(value) && 'detach' in value;
}

export function isFileSource(value: unknown): value is FileTarget {
  return typeof value === 'object' && value !== null && 'file' in value;
}

/** Its class is not to be had from Node. */
export function isFileHandle(value: unknown): value is FileHandle {
  return (
    typeof value === 'object' && value !== null && 'datasync' in value && typeof (value as FileHandle).fd === 'number'
  );
}

/** @param what - what the file is opened as, in the words of the {@link SystemError} */
export function openFile(file: string, flags: string, what: string): number {
  try {
    return openSync(file, flags);
  } catch (cause) {
    const { errno = 0 } = cause as NodeJS.ErrnoException;
    throw new SystemError(errno, 'open', `can't open ${JSON.stringify(file)} as ${what}`, { path: file });
  }
}

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
      this.map.set(fd, blocking(owned.number));
    }
  }

  #make({ fd, name, spec }: Slot): number {
    if (spec === 'inherit') return blocking(fd);
    if (spec === 'ignore') return this.#open('/dev/null', fd === 0 ? 'r' : 'w', name);
    if (spec === 'pipe') return this.#pipe(fd, name);
    // The slots are in the order of their numbers, so what 1 is has been decided.
    if (spec === 'stdout') return this.map.get(1) as number;
    if (typeof spec === 'number') return spec;
    if (isFileHandle(spec)) return blocking(spec.fd);
    const { file } = spec as FileTarget;
    return this.#open(file, fd === 0 ? 'r' : writingFlags(spec as FileTarget), name);
  }

  #open(file: string, flags: string, name: string): number {
    return this.#theirs(openFile(file, flags, `${name} of ${this.#program}`));
  }

  #pipe(fd: number, name: string): number {
    const what = `${name} of ${this.#program}`;
    const fds = new Int32Array(2);
    const result = native().pipe(fds, 0);
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

  closeOurs(): void {
    for (const end of [this.stdin, this.stdout, this.stderr]) end?.[Symbol.dispose]();
  }
}

/**
 * Programs don't expect EAGAIN. Who shares the description with us (an inherited terminal or pipe) sees the same mode,
 * so there is no way to give a program a blocking descriptor and keep ours as it was.
 */
function blocking(fd: number): number {
  native().setNonblocking(fd, 0);
  return fd;
}

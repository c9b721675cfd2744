import { lstatSync, realpathSync } from 'node:fs';
import { type FileHandle } from 'node:fs/promises';
import { Stream } from 'node:stream';
import { inspect } from 'node:util';
import { ClosedError, type DuplexEnd, type ReadEnd, type WriteEnd } from '@aiopipe/core';
import { checkOptions, HANDLE, isHandle, optionNames, type Handle } from '@aiopipe/core/internal';
import { checkText, show } from './command.js';

/** A file by its path. A relative one is taken from this process's directory, as a shell's redirection is. */
export interface FileSource {
  readonly file: string;
}

/** A file by its path: made if it isn't there, and emptied unless `append` is true. */
export interface FileTarget extends FileSource {
  readonly append?: boolean | undefined;
}

const FILE_SOURCE = optionNames<FileSource>({ file: true });
const FILE_TARGET = optionNames<FileTarget>({ file: true, append: true });

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
  const slots = NAMES.map((name, fd) => {
    const { [name]: spec = 'inherit' } = options;
    return { fd, name, spec: checkSpec(name, spec) };
  });
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
    checkOptions(spec, SOURCES.includes(name) ? FILE_SOURCE : FILE_TARGET, name);
    const { file, append } = spec;
    checkFile(name, file);
    if (append !== undefined && typeof append !== 'boolean') {
      throw new TypeError(`${name}.append: expected true or false, not ${show(append)}`);
    }
    return spec;
  }
  const hint = typeof spec === 'number' ? NUMBER_HINT : streamHint(name, spec);
  throw new TypeError(`${name}: expected ${choices(name)}, not ${show(spec)}${hint === undefined ? '' : `; ${hint}`}`);
}

function choices(name: string): string {
  const pipe = OWN_WORDS.includes(name) ? '' : "'pipe', ";
  const stdout = name === 'stderr' ? "'stdout', " : '';
  return `${pipe}'inherit', 'ignore', ${stdout}a pipe end, a FileHandle or { file: path }`;
}

const NUMBER_HINT = 'a number becomes an end by ReadEnd.fromFd() or WriteEnd.fromFd()';

/** What to write instead of a stream of Node's, if it is one. */
export function streamHint(name: string, spec: unknown): string | undefined {
  if (isHandle(spec)) return 'a stream of ours is open already: give the end, not yet opened';
  if (!(spec instanceof Stream)) return undefined;
  const own = NAMES[(spec as { fd?: unknown }).fd as number];
  if (own !== undefined && own === (OWN_WORDS.includes(name) ? 'stdout' : name)) return `process.${own} is 'inherit'`;
  return SOURCES.includes(name)
    ? 'a stream is the input of run(), lines() or communicate()'
    : 'a stream has the bytes of a chain by toNode()';
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

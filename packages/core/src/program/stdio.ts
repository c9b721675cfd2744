import { realpathSync } from 'node:fs';
import { type FileHandle } from 'node:fs/promises';
import { type DuplexEnd, type ReadEnd, type WriteEnd } from '../end/ends.js';
import { ClosedError } from '../errors.js';
import { lstatPath } from '../fd/file-status.js';
import { HANDLE, isHandle, type Handle } from '../move/handle.js';
import { checkFlag } from '../check/flag.js';
import { checkOptions, optionNames } from '../check/options.js';
import { checkText } from '../check/text.js';
import { show } from '../check/show.js';

/**
 * A file by its path. A relative path is resolved in this process's directory, like a redirection in a shell.
 *
 * @see the example of {@link StdinOption}
 */
export interface FileSource {
  readonly file: string;
}

/**
 * A file by its path. It is created if it does not exist, and truncated unless `append` is true.
 *
 * @see the example of {@link StdoutOption}
 */
export interface FileTarget extends FileSource {
  readonly append?: boolean | undefined;
}

const FILE_SOURCE = optionNames<FileSource>({ file: true });
const FILE_TARGET = optionNames<FileTarget>({ file: true, append: true });

/**
 * The stdin of a child. `pipe` makes a pipe, and gives you its other end, not opened yet. An end moves into the child; a
 * FileHandle stays yours, and its offset is shared.
 *
 * @example
 * ```ts
 * import { popen } from '@aiopipe/subprocess';
 *
 * await using program = popen(['wc', '-l'], { stdin: { file: '/dev/null' } });
 * await program.wait();
 * ```
 * ```text
 * 0
 * ```
 */
export type StdinOption = 'pipe' | 'inherit' | 'ignore' | ReadEnd | DuplexEnd | FileHandle | FileSource;

/**
 * The stdout of a child. `pipe` makes a pipe, and gives you its other end, not opened yet. An end moves into the child; a
 * FileHandle stays yours, and its offset is shared.
 *
 * @example
 * ```ts
 * import { popen } from '@aiopipe/subprocess';
 *
 * await using program = popen(['date'], { stdout: { file: '/dev/null', append: true } });
 * console.log((await program.wait()).exitCode);
 * ```
 * ```text
 * 0
 * ```
 */
export type StdoutOption = 'pipe' | 'inherit' | 'ignore' | WriteEnd | DuplexEnd | FileHandle | FileTarget;

/**
 * As {@link StdoutOption}; `stdout` is a shell's `2>&1`: one descriptor under both numbers, so the order is kept.
 *
 * @example
 * ```ts
 * import { popen } from '@aiopipe/subprocess';
 *
 * await using program = popen(['sh', '-c', 'echo out; echo err >&2'], { stdout: 'pipe', stderr: 'stdout' });
 * await using reader = program.stdout.open();
 * for await (const line of reader.lines()) console.log(line);
 * ```
 * ```text
 * out
 * err
 * ```
 */
export type StderrOption = StdoutOption | 'stdout';

/**
 * A descriptor beyond the standard three.
 *
 * @example
 * ```ts
 * import { aiopipe } from '@aiopipe/core';
 * import { popen } from '@aiopipe/subprocess';
 *
 * const [rx, tx] = aiopipe();
 * await using program = popen(['sh', '-c', 'echo hello >&3'], { fds: { 3: tx } });
 * await using reader = rx.open();
 * console.log(String(await reader.read()).trim());
 * ```
 * ```text
 * hello
 * ```
 */
export type ExtraFd = ReadEnd | WriteEnd | DuplexEnd | FileHandle;

/** The connections of a child's stdin, stdout and stderr. */
export interface ChildStdio {
  readonly stdin?: StdinOption | undefined;
  readonly stdout?: StdoutOption | undefined;
  readonly stderr?: StderrOption | undefined;
}

/**
 * The type of a child's `stdin`, `stdout` or `stderr`, by the type of its options: an end if the option is `pipe`.
 *
 * @see the example of {@link StderrOption}
 */
export type PipedEnd<Options, Name extends string, End> = Name extends keyof Options
  ? Options[Name] extends 'pipe'
    ? End
    : 'pipe' extends Options[Name]
      ? End | undefined
      : undefined
  : undefined;

/** One descriptor of a child before its start. It is checked; nothing was taken or made for it yet. */
export interface Slot {
  /** The descriptor in the child. */
  readonly fd: number;
  /** `stdin`, or `fds[3]`. */
  readonly name: string;
  /** A number is a descriptor of this process, which stays open here. Only chains use it. `terminal`: the child's own one. */
  readonly spec: StdinOption | StderrOption | number | 'terminal';
}

/** An option that says what a descriptor is connected to. */
interface Place {
  readonly name: string;
  /** Undefined if the child may read or write. */
  readonly use: 'reads' | 'writes' | undefined;
  /** The allowed words. */
  readonly words: readonly string[];
}

const WORDS = ['pipe', 'inherit', 'ignore'];
const STANDARD: readonly Place[] = [
  { name: 'stdin', use: 'reads', words: WORDS },
  { name: 'stdout', use: 'writes', words: WORDS },
  { name: 'stderr', use: 'writes', words: [...WORDS, 'stdout'] },
];

/** Throws for wrong values of stdin, stdout and stderr, before anything is taken or made. */
export function checkStdio(options: ChildStdio, defaults: Required<ChildStdio>): Slot[] {
  return STANDARD.map((place, fd) => {
    const name = place.name as keyof ChildStdio;
    // Null is no default: it is refused.
    const { [name]: spec = defaults[name] } = options;
    return { fd, name, spec: checkSpec(place, spec) };
  });
}

/** Throws for wrong values of `fds`. */
export function checkExtraFds(fds: unknown): Slot[] {
  if (fds === undefined) return [];
  if (typeof fds !== 'object' || fds === null) {
    throw new TypeError(`fds: expected an object such as { 3: end }, not ${show(fds)}`);
  }
  return Object.entries(fds).map(([key, spec]) => {
    const fd = Number(key);
    // `0x3` and `3` would name one descriptor.
    if (!Number.isInteger(fd) || String(fd) !== key || fd < 3 || fd > 1023) {
      throw new TypeError(`fds: expected numbers from 3 to 1023, not ${show(key)}; 0 to 2 are stdin, stdout, stderr`);
    }
    const name = `fds[${key}]`;
    if (!isEnd(spec) && !isFileHandle(spec)) {
      throw new TypeError(`${name}: expected a pipe end or a FileHandle, not ${show(spec)}`);
    }
    return { fd, name, spec: checkSpec({ name, use: undefined, words: [] }, spec) };
  });
}

/** Throws for an end or a file that cannot be read from. */
export function checkSource(name: string, spec: unknown): void {
  checkSpec({ name, use: 'reads', words: [] }, spec);
}

/** Throws for a value that cannot be written to, such as the word `pipe`. */
export function checkTarget(name: string, spec: unknown, words: readonly string[] = ['inherit', 'ignore']): void {
  checkSpec({ name, use: 'writes', words }, spec);
}

function checkSpec(place: Place, spec: unknown): Slot['spec'] {
  const { name, use, words } = place;
  if (typeof spec === 'string' && words.includes(spec)) return spec as Slot['spec'];
  if (isEnd(spec)) return checkEnd(place, spec);
  if (isFileHandle(spec)) {
    if (spec.fd < 0) throw new ClosedError(`${name}: the FileHandle is closed`);
    return spec;
  }
  if (isFileSource(spec)) {
    checkOptions(spec, use === 'reads' ? FILE_SOURCE : FILE_TARGET, name);
    const { file, append } = spec;
    checkFile(name, file);
    checkFlag(`${name}.append`, append);
    return spec;
  }
  const hint = numberHint(spec) ?? pathHint(spec) ?? streamHint(place, spec);
  const expected = [...words.map((word) => `'${word}'`), 'a pipe end', 'a FileHandle'].join(', ');
  throw new TypeError(
    `${name}: expected ${expected} or { file: path }, not ${show(spec)}${hint === undefined ? '' : `; ${hint}`}`,
  );
}

function numberHint(spec: unknown): string | undefined {
  return typeof spec === 'number' ? 'to pass a descriptor, call ReadEnd.fromFd() or WriteEnd.fromFd()' : undefined;
}

/** A misspelt word has no dot and no slash: a string with one is most likely a path. */
function pathHint(spec: unknown): string | undefined {
  return typeof spec === 'string' && /[./]/.test(spec) ? `for a file, write { file: ${show(spec)} }` : undefined;
}

/** Returns what to write instead of a stream, if it is one. */
export function streamHint({ name, use, words }: Place, spec: unknown): string | undefined {
  if (isHandle(spec)) return 'this stream is open already: pass the end before it is opened';
  // Loaded when it is asked for: a child process that has no such stream would pay for it at its start.
  if (!(spec instanceof process.getBuiltinModule('node:stream').Stream)) return undefined;
  const own = STANDARD[(spec as { fd?: unknown }).fd as number]?.name;
  const inherited = STANDARD.some((standard) => standard.name === name) ? name : 'stdout';
  if (own === inherited && words.includes('inherit')) return `process.${own} is 'inherit'`;
  if (words.includes('pipe')) {
    return use === 'reads'
      ? "with 'pipe', pipe the stream into `stdin.open().toNode()`"
      : `with 'pipe', pipe \`${name}.open().toNode()\` into the stream`;
  }
  return use === 'reads' ? 'pass a stream as the input of a chain' : 'pipe the toNode() of a chain into a stream';
}

function checkFile(name: string, file: unknown): void {
  if (typeof file !== 'string' || file === '') {
    throw new TypeError(`${name}: expected the path of a file, not ${show(file)}`);
  }
  checkText(`${name}.file`, file);
  if (!isFifo(file)) return;
  throw new TypeError(
    `${name}: ${show(file)} is a FIFO, and opening it would block this process until another process opens its other side; ` +
      `pass a FileHandle (open() of node:fs/promises does not block the event loop), or use an aiopipe() between programs`,
  );
}

/** Whether the path is that of a FIFO. A pipe behind `/dev/stdin` is open already, and has no path. */
function isFifo(file: string): boolean {
  try {
    return lstatPath(realpathSync(file)).isFIFO();
  } catch {
    return false;
  }
}

function checkEnd(
  { name, use }: Place,
  end: (ReadEnd | WriteEnd | DuplexEnd) & Handle,
): ReadEnd | WriteEnd | DuplexEnd {
  // Asking throws for an end that is not here any more.
  const { kind, check } = end[HANDLE]();
  check();
  const wrong = use === 'reads' ? 'WriteEnd' : 'ReadEnd';
  if (use !== undefined && kind === wrong) {
    throw new TypeError(
      `${name}: the child ${use === 'reads' ? 'reads from' : 'writes to'} this descriptor, so it needs a ${use === 'reads' ? 'ReadEnd' : 'WriteEnd'}, not a ${kind}`,
    );
  }
  return end;
}

/** Whether it is an end of a pipe, of this copy of the package or another. */
export function isEnd(value: unknown): value is (ReadEnd | WriteEnd | DuplexEnd) & Handle {
  return isHandle(value) && 'detach' in value;
}

/** Whether it names a file by its path. */
export function isFileSource(value: unknown): value is FileTarget {
  return typeof value === 'object' && value !== null && 'file' in value;
}

/** Whether it is a FileHandle, by its methods: Node does not export the class. */
export function isFileHandle(value: unknown): value is FileHandle {
  return (
    typeof value === 'object' && value !== null && 'datasync' in value && typeof (value as FileHandle).fd === 'number'
  );
}

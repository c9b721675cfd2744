import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AiopipeError } from '../errors.js';

/** Opaque: a descriptor on the event loop. */
export type NativePoll = { readonly __poll: never };
/** Opaque: a program that was started. */
export type NativeChild = { readonly __child: never };

/** Events of a poll: see `native/ready.h`. */
export const READABLE = 1;
export const WRITABLE = 2;
/** Beside the events of interest: the wait for them keeps the event loop alive. */
export const HOLDS_LOOP = 4;

/**
 * How a call that moves bytes is made so that it cannot block; see `enum sys_how` in `native/system.h`. `OWN`: by O_NONBLOCK,
 * which is set, and no other process has the open file description. The others fail with EOPNOTSUPP if the system cannot do that
 * with this descriptor.
 */
export const OWN = 0;
export const SOCKET = 1;
export const SHARED = 2;
export const SPLICED = 3;
/** `true` and `false`, whether it is a socket, stand for `SOCKET` and `OWN`. */
export type How = boolean | typeof OWN | typeof SOCKET | typeof SHARED | typeof SPLICED;

/** The C binding. Its calls return a result, or a negative errno; `native/system.h` says what they do. */
export interface Native {
  pipe(out: Int32Array, capacity: number): number;
  socketpair(out: Int32Array, bufferSize: number): number;
  terminal(out: Int32Array, columns: number, rows: number): number;
  isHungUp(fd: number): number;
  setTerminalSize(master: number, columns: number, rows: number): number;
  read(fd: number, bytes: Uint8Array, offset: number, length: number, how: How): number;
  receive(fd: number, bytes: Uint8Array, offset: number, length: number, passed: Int32Array): number;
  write(fd: number, bytes: Uint8Array, offset: number, length: number, how: How): number;
  writeParts(fd: number, parts: readonly Uint8Array[], offset: number, how: How, passed?: Int32Array): number;
  close(fd: number): number;
  /** Does what `disown` and `close` do, as one call: no thread can end between the two. */
  closeOwned(fd: number, weight: number): number;
  /** See `description.ts`, which gives the bits names. */
  describe(fd: number): number;
  duplicate(fd: number): number;
  setCloseOnExec(fd: number): number;
  setNonblocking(fd: number, on: 0 | 1): number;
  /** `access`: O_RDONLY, O_WRONLY or O_RDWR, which are 0, 1 and 2 on every system. */
  reopenNonblocking(fd: number, access: number): number;
  fdLimit(): number;
  shutdown(fd: number, how: 0 | 1 | 2): number;
  kill(pid: number, signal: number): number;
  reap(pid: number): number;
  waitWritable(fd: number, milliseconds: number): number;
  watchLifeline(fd: number, grace: number): number;
  processMark(mark: number): number;
  /** See `local-socket.ts`. A name is a path, or a NUL and an abstract name. */
  localListen(name: Uint8Array, mode: number, backlog: number, out: Int32Array): number;
  localUnlink(name: Uint8Array, out: Int32Array): number;
  localConnect(name: Uint8Array, bufferSize: number): number;
  localAccept(fd: number, bufferSize: number, peer: Int32Array): number;
  own(fd: number, weight: number): void;
  disown(fd: number, weight: number): void;
  memoryMake(byteLength: number): number;
  memoryInspect(fd: number, maySeal: 0 | 1): number;
  memoryIsReadOnly(fd: number): number;
  memoryForbidWrites(fd: number): number;
  memoryMap(fd: number, byteLength: number, isPrivate: 0 | 1): ArrayBuffer | number;
  /** Detaches and unmaps. False: other code has transferred the buffer, and has the pages. */
  memoryUnmap(buffer: ArrayBuffer, mayComeBack: 0 | 1): boolean;
  pollOpen(fd: number, callback: (events: number) => void, interests: Int32Array): NativePoll | number;
  pollUpdate(poll: NativePoll): void;
  pollClose(poll: NativePoll): void;
  pollSpin(poll: NativePoll, microseconds: number): void;
  spawn(
    candidates: readonly string[],
    argv: readonly string[],
    env: readonly string[] | undefined,
    cwd: string | undefined,
    fds: Int32Array,
    group: number,
    deathSignal: number,
    out: Int32Array,
    onExit: (code: number, signal: number, userMicros: number, systemMicros: number, peakBytes: number) => void,
    guard: number,
    killAfter: number,
    limits: Float64Array | undefined,
  ): NativeChild | number;
  unguard(child: NativeChild): void;
  killAfter(child: NativeChild, milliseconds: number): void;
  holdLoop(child: NativeChild, holds: boolean): void;
}

let binding: Native | undefined;

/**
 * Returns the binding, which the first call loads: importing the package works on every system, and a program may
 * do without it where it is not supported.
 */
export function native(): Native {
  return (binding ??= loadBinding());
}

function loadBinding(): Native {
  if (process.platform === 'win32') {
    throw new AiopipeError(
      'ERR_AIOPIPE_UNSUPPORTED',
      'aiopipe does not run on Windows. Run the program in WSL, which is a Linux on Windows',
    );
  }
  const directory = fileURLToPath(new URL('../native', import.meta.url));
  try {
    return load(directory) as Native;
  } catch (cause) {
    if ((process as { permission?: object }).permission !== undefined) throw restricted(directory, cause);
    if (!existsSync(`${directory}/binding.gyp`)) throw bundled(directory, cause);
    throw new AiopipeError(
      'ERR_AIOPIPE_NO_BINDING',
      `the native binding of @aiopipe/core could not be loaded for ${process.platform}-${process.arch}. ` +
        'Build it with `npm rebuild @aiopipe/core`, which needs a C compiler, make and Python 3. Where install scripts ' +
        'are turned off, allow the one of @aiopipe/core first (pnpm: `pnpm approve-builds`). ' +
        `The cause: ${cause instanceof Error ? cause.message.trim() : String(cause)}`,
      { cause },
    );
  }
}

/** Explains the error under Node's permission model, which may also hide the files. */
function restricted(directory: string, cause: unknown): AiopipeError {
  return new AiopipeError(
    'ERR_AIOPIPE_NO_BINDING',
    'the native binding of @aiopipe/core could not be loaded under the permission model: start Node with --allow-addons and ' +
      `--allow-fs-read=${directory}. The cause: ${cause instanceof Error ? cause.message.trim() : String(cause)}`,
    { cause },
  );
}

/** Explains the error in a bundle, which has this file's text but not the files that the package has beside it. */
function bundled(directory: string, cause: unknown): AiopipeError {
  return new AiopipeError(
    'ERR_AIOPIPE_NO_BINDING',
    `there is no native binding of @aiopipe/core in ${directory}: if this program was bundled, leave the packages out of ` +
      'the bundle (esbuild: `--external:@aiopipe/*`), and install them where it runs',
    { cause },
  );
}

/**
 * Loads what node-gyp-build would find, without its search and that of `require()`: each child process waits for this. They take up
 * to 3 ms, this takes 0.3 ms.
 */
function load(directory: string): unknown {
  const libc = existsSync('/etc/alpine-release') ? 'musl' : 'glibc';
  const file = process.platform === 'linux' ? `aiopipe.${libc}.node` : 'aiopipe.node';
  const prebuilt = `prebuilds/${process.platform}-${process.arch}/${file}`;
  for (const name of ['build/Release/aiopipe.node', prebuilt]) {
    const path = `${directory}/${name}`;
    if (!existsSync(path)) continue;
    const module = { exports: {} as unknown };
    process.dlopen(module, path);
    return module.exports;
  }
  // It knows more places, and its error names the one that it missed.
  const { createRequire } = process.getBuiltinModule('node:module');
  return (createRequire(import.meta.url)('node-gyp-build') as (directory: string) => unknown)(directory);
}

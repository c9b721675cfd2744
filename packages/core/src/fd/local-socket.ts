import { constants } from 'node:os';
import { resolve } from 'node:path';
import { checkName } from '../check/text.js';
import { show } from '../check/show.js';
import { AiopipeError, SystemError } from '../errors.js';
import { native } from './native.js';

const { EADDRINUSE, ENOENT } = constants.errno;

/**
 * `sizeof(sun_path)` of the system's `sockaddr_un`: unix(7). A path needs one byte for its NUL; an abstract name needs one for the
 * NUL before it.
 */
const ROOM = process.platform === 'linux' ? 108 : 104;

/** The name of a local socket. */
export interface LocalName {
  /** An absolute path, or `@name`. */
  readonly path: string;
  readonly isAbstract: boolean;
  /** As the binding takes it. */
  readonly bytes: Buffer;
}

/**
 * Checks a socket's path, and resolves it against the working directory. `@name` is an abstract name. Throws TypeError,
 * RangeError if it is too long, or AiopipeError if the system has no abstract names.
 */
export function localName(path: unknown): LocalName {
  checkName('path', path);
  const isAbstract = path.startsWith('@');
  const name = isAbstract ? path.slice(1) : absolute(path);
  if (isAbstract && name === '') throw new TypeError("path: expected a name after '@', for an abstract socket");
  if (isAbstract && process.platform !== 'linux') {
    throw new AiopipeError(
      'ERR_AIOPIPE_UNSUPPORTED',
      `path: ${show(path)}: only Linux has abstract sockets; give the path of a file (./${path} is a file of this name)`,
    );
  }
  const length = Buffer.byteLength(name);
  if (length > ROOM - 1) throw refuseLength(path, name, length, isAbstract);
  return { path: isAbstract ? path : name, isAbstract, bytes: Buffer.from(isAbstract ? `\0${name}` : name) };
}

function absolute(path: string): string {
  try {
    return resolve(path);
  } catch {
    const why = 'the working directory was removed; give an absolute path';
    throw new SystemError(-ENOENT, 'getcwd', `path ${show(path)}: ${why}`, { path });
  }
}

function refuseLength(path: string, name: string, length: number, isAbstract: boolean): RangeError {
  const what = isAbstract ? 'an abstract name' : 'the path of a socket';
  const resolved = isAbstract || name === path ? '' : `, which is ${String(length)} bytes as an absolute path`;
  const size = resolved === '' ? ` (${String(length)} bytes)` : resolved;
  return new RangeError(
    `path: ${show(path)}${size}: the system takes at most ${String(ROOM - 1)} bytes for ${what}; choose a shorter one`,
  );
}

/** As `enum sys_listen_stage` of `native/system.h` numbers them: the call that failed, or why the path cannot be had. */
const STAGES = ['socket', 'bind', 'chmod', 'listen', 'flock', 'connect', 'in use', 'no socket'] as const;
const LOCK = STAGES.indexOf('flock');
const IN_USE = STAGES.indexOf('in use');
const NO_SOCKET = STAGES.indexOf('no socket');

/** A socket that listens. The caller owns the descriptor. */
export interface Listening {
  readonly fd: number;
  /** Removes the path, if it is still the file of this socket. Does nothing for an abstract name. */
  removePath(): void;
}

/**
 * Listens at a name, in non-blocking mode. Replaces the file of a socket that no process has any more, and no other file.
 * Throws SystemError.
 */
export function listenLocal({ bytes, path, isAbstract }: LocalName, mode: number, backlog: number): Listening {
  const out = new Int32Array(5);
  const fd = native().localListen(bytes, mode, backlog, out);
  if (fd < 0) throw listenError(fd, out[0] ?? 0, path);
  return {
    fd,
    removePath: () => {
      if (!isAbstract) native().localUnlink(bytes, out);
    },
  };
}

function listenError(errno: number, stage: number, path: string): SystemError {
  const about = `listen at ${path}`;
  if (stage === IN_USE)
    return new SystemError(-EADDRINUSE, 'bind', `${about}: another process listens there`, { path });
  if (stage === NO_SOCKET) {
    const why = 'a file that is no socket is there, and is not replaced';
    return new SystemError(-EADDRINUSE, 'bind', `${about}: ${why}`, { path });
  }
  if (stage === LOCK) {
    const lock = `${path}.lock`;
    return new SystemError(errno, 'flock', `${about}: the old socket cannot be replaced without ${lock}`, {
      path: lock,
    });
  }
  const hint = errno === -ENOENT ? `${about}: make its folder first` : about;
  return new SystemError(errno, STAGES[stage] ?? 'bind', hint, { path });
}

/** Returns a connected descriptor, or a negative errno. EAGAIN: the backlog is full. */
export function connectLocal({ bytes }: LocalName, bufferSize: number): number {
  return native().localConnect(bytes, bufferSize);
}

/** The process at the other side of a connection. */
export interface LocalPeer {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Takes one connection. Returns a negative errno if there is none; EAGAIN: none waits. */
export function acceptLocal(
  fd: number,
  bufferSize: number,
): { readonly fd: number; readonly peer: LocalPeer } | number {
  const who = new Int32Array(3);
  const accepted = native().localAccept(fd, bufferSize, who);
  if (accepted < 0) return accepted;
  const [pid, uid, gid] = who as unknown as [number, number, number];
  return { fd: accepted, peer: { pid, uid: uid >>> 0, gid: gid >>> 0 } };
}

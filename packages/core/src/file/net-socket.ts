import { type Socket } from 'node:net';
import { AiopipeError, BusyError, ClosedError, MovedError } from '../errors.js';
import { nextTick } from '../wait/saved-globals.js';
import { Pending, refuse, type WaitOptions } from '../wait/pending.js';

/** Node's handle under a socket. It is not a public interface, but has been the same since Node 0.10. */
interface SocketHandle {
  readonly fd?: number;
  reading?: boolean;
  readStop?(): unknown;
}

/** Methods that read, write or set options. They must not seem to work on a socket whose connection has moved. */
const CALLS = [
  'connect',
  'end',
  'pipe',
  'read',
  'resume',
  'setEncoding',
  'setKeepAlive',
  'setNoDelay',
  'unshift',
  'write',
  Symbol.asyncIterator,
] as const;

/** The sockets whose connection has another owner, and that owner. */
const moved = new WeakMap<Socket, string>();

/** Tests for a socket of `node:net` by its class: other streams have the same methods, but no descriptor. */
export function isNetSocket(value: unknown): value is Socket {
  if (typeof value !== 'object' || value === null || !('setNoDelay' in value)) return false;
  // Loaded when it matters: most child processes have no socket.
  return value instanceof process.getBuiltinModule('node:net').Socket;
}

/**
 * Returns the descriptor of a socket that can be taken over now; throws an error with the reason otherwise. Changes nothing.
 *
 * @param whenIdle - for the message if the socket is busy: what a user can call once it is not
 */
export function fdOfSocket(socket: Socket, whenIdle: string): number {
  const destination = moved.get(socket);
  if (destination !== undefined) throw movedError(destination);
  if (socket.destroyed) throw new ClosedError('the socket is closed: it has no connection to take over');
  if ((socket as { encrypted?: boolean }).encrypted === true) {
    throw wrongKind('it is a TLS socket, and this process encrypts its bytes; use its own calls');
  }
  if (socket.connecting) throw notYet('it is still connecting', whenIdle);
  if (isWriting(socket)) throw notYet(`${String(socket.writableLength)} of its bytes are not written yet`, whenIdle);
  if (socket.readableEncoding !== null) {
    throw wrongKind('setEncoding() was called on it, so its bytes are already text');
  }
  const fd = handleOf(socket)?.fd;
  if (fd === undefined || fd < 0)
    throw wrongKind('it is not connected, or it has no descriptor that can be seen here (Deno shows none)');
  return fd;
}

/**
 * Ends the socket object, while a duplicate of its descriptor keeps the connection; returns what it had read and not
 * given out. All in one turn, in which libuv can read nothing more into it.
 *
 * @param destination - names the new owner in later errors of the socket
 */
export function emptySocket(socket: Socket, destination: string): Buffer {
  const handle = handleOf(socket);
  if (handle !== undefined) {
    handle.reading = false;
    handle.readStop?.();
  }
  const chunks = silently(socket, () => takeBytes(socket));
  // Later: the other stream tells listeners of its own, and these could throw.
  nextTick(() => socket.unpipe());
  moved.set(socket, destination);
  for (const name of CALLS) {
    Object.defineProperty(socket, name, {
      value: (size?: unknown) => {
        // Which is Node's own way to look for more, in a turn after this.
        if (name === 'read' && size === 0) return null;
        throw movedError(destination);
      },
      writable: true,
      configurable: true,
    });
  }
  return Buffer.concat(chunks);
}

/** Takes out what the socket has read, and destroys it. */
function takeBytes(socket: Socket): Buffer[] {
  socket.pause();
  // read() tells those who listen, and what it returns here is no longer theirs.
  for (const event of ['data', 'readable', 'end']) {
    // One by one, because after removeAllListeners() the stream still believes that it has listeners.
    for (const listener of socket.rawListeners(event)) socket.off(event, listener as () => void);
  }
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) break;
    chunks.push(chunk);
  }
  socket.destroy(); // not end(), which would shut the connection down
  return chunks;
}

/**
 * Runs `change` while the socket emits nothing, such as 'pause': a listener that throws or sends a message would do so in the middle of
 * a move.
 */
function silently<T>(socket: Socket, change: () => T): T {
  const own = Object.getOwnPropertyDescriptor(socket, 'emit');
  Object.defineProperty(socket, 'emit', { value: () => false, configurable: true });
  try {
    return change();
  } finally {
    if (own === undefined) Reflect.deleteProperty(socket, 'emit');
    else Object.defineProperty(socket, 'emit', own);
  }
}

/** Waits until a socket is connected and the kernel has all that was written to it. */
export async function untilIdle(socket: Socket, options: WaitOptions | undefined): Promise<void> {
  const refusal = refuse(options);
  if (refusal !== undefined) throw refusal;
  if (socket.destroyed || (!socket.connecting && !isWriting(socket))) return;

  const pending = new Pending<void>(
    options,
    () => 'the socket cannot be taken over: it is not connected, or not flushed',
    forget,
  );
  function forget() {
    socket.off('connect', look).off('finish', look).off('error', fail).off('close', fail);
  }
  function look() {
    if (socket.destroyed) return; // 'error' or 'close' is coming
    if (socket.connecting) return;
    if (!isWriting(socket)) {
      forget();
      pending.resolve();
    } else if (!socket.writableEnded) {
      socket.write('', look); // called back once all before it is written
    }
  }
  function fail(cause: unknown) {
    forget();
    const isError = cause instanceof Error;
    pending.reject(
      new ClosedError(
        `this socket closed before it could be taken over${isError ? `: ${cause.message}` : ''}`,
        isError ? { cause } : undefined,
      ),
    );
  }
  socket.on('connect', look).on('finish', look).on('error', fail).on('close', fail);
  look();
  return pending.promise;
}

/** Or about to say that it has no more to say: that must have gone out, too. */
function isWriting(socket: Socket): boolean {
  return socket.writableLength > 0 || (socket.writableEnded && !socket.writableFinished);
}

function handleOf(socket: Socket): SocketHandle | undefined {
  return (socket as { _handle?: SocketHandle | null })._handle ?? undefined;
}

function movedError(destination: string): MovedError {
  return new MovedError(`the connection of this socket was handed to ${destination}`);
}

function notYet(why: string, whenIdle: string): BusyError {
  return new BusyError(`this socket cannot be taken over now, because ${why}; ${whenIdle}`);
}

function wrongKind(why: string): AiopipeError {
  return new AiopipeError('ERR_AIOPIPE_WRONG_KIND', `this socket cannot be taken over: ${why}`);
}

import { type Socket, type SocketType } from 'node:dgram';
import { AiopipeError, ClosedError } from '@aiopipe/core';
import { show, type Move } from '@aiopipe/core/internal';
import { Refusal } from '../serializer/paths.js';
import { arrived, duplicateMove, mayFail, recordOf } from './duplicate.js';

/** The part of Node's state of a datagram socket that holds its descriptor. */
interface State {
  readonly handle: { readonly fd?: number } | null;
}

/** Returns the move of a bound socket, which shares it: this process keeps its own. Throws a Refusal for a subclass. */
export function moveOfDatagrams(socket: Socket): Move {
  if (Object.getPrototypeOf(socket) !== process.getBuiltinModule('node:dgram').Socket.prototype) {
    throw new Refusal(
      `an instance of ${socket.constructor.name} cannot be shared: only a dgram.Socket itself can`,
      socket,
    );
  }
  return duplicateMove({
    kind: 'dgram.Socket',
    fd: () => fdOf(socket),
    data: () => ({ type: (socket as unknown as { type: SocketType }).type }),
    leave: () => undefined,
  });
}

function fdOf(socket: Socket): number {
  // A socket of Node's has its state under a symbol of Node's own; `_handle` would print a warning (DEP0112).
  const key = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol');
  const state = key === undefined ? undefined : (socket as unknown as Record<symbol, State>)[key];
  if (state?.handle === null) throw new ClosedError('this dgram.Socket is closed');
  if (isConnected(socket)) {
    throw new AiopipeError(
      'ERR_AIOPIPE_WRONG_KIND',
      'this dgram.Socket cannot be shared, because it is connected: call disconnect(), and connect() in the other process',
    );
  }
  const fd = state?.handle.fd;
  if (fd !== undefined && fd >= 0) return fd;
  if (isBound(socket)) {
    throw new AiopipeError(
      'ERR_AIOPIPE_WRONG_KIND',
      'this dgram.Socket cannot be shared: it has no descriptor that can be seen here (Deno shows none)',
    );
  }
  throw new ClosedError("this dgram.Socket is not bound: share it after its 'listening' event");
}

function isBound(socket: Socket): boolean {
  try {
    socket.address();
    return true;
  } catch {
    return false;
  }
}

function isConnected(socket: Socket): boolean {
  try {
    socket.remoteAddress();
    return true;
  } catch {
    return false;
  }
}

export function adoptDatagrams(fds: readonly number[], data: unknown): Socket {
  const fd = arrived(fds, 'datagram', 'dgram.Socket');
  const { type } = recordOf(data, 'dgram.Socket');
  if (type !== 'udp4' && type !== 'udp6')
    throw new TypeError(`a dgram.Socket of the unknown type ${show(type)} arrived`);
  const socket = mayFail(process.getBuiltinModule('node:dgram').createSocket(type));
  try {
    return socket.bind({ fd, exclusive: true });
  } catch (error) {
    socket.close();
    throw error;
  }
}

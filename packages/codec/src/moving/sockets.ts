import { type Socket } from 'node:net';
import { AiopipeError, BusyError } from '@aiopipe/core';
import { emptySocket, fdOfSocket, type Move } from '@aiopipe/core/internal';
import { Refusal } from '../serializer/paths.js';
import { arrived, duplicateMove, mayFail, recordOf } from './duplicate.js';

/** Node's list of the bytes that a socket has read: a linked list before Node 22, an array with a first index since. */
interface ReadState {
  readonly buffer: Iterable<Uint8Array>;
  readonly bufferIndex?: number;
}

const WHEN_IDLE = "send it after its 'connect' event and after the callback of its last write()";

/** Returns the move of a `net.Socket`. Throws a Refusal for a subclass: its peer would get another class. */
export function moveOfSocket(socket: Socket): Move {
  const { Socket } = process.getBuiltinModule('node:net');
  if ((socket as { encrypted?: boolean }).encrypted === true) {
    throw new Refusal(
      "a TLS socket cannot be sent, because this process has its keys: send the connection before TLS, from the 'connection' event of a net.Server",
      socket,
    );
  }
  if (Object.getPrototypeOf(socket) !== Socket.prototype) {
    throw new Refusal(`an instance of ${socket.constructor.name} cannot be sent: only a net.Socket itself can`, socket);
  }
  return duplicateMove({
    kind: 'net.Socket',
    fd: () => fdToMove(socket),
    data: () => ({ ahead: bytesAhead(socket), allowHalfOpen: socket.allowHalfOpen, canWrite: !socket.writableEnded }),
    leave: (destination) => emptySocket(socket, destination),
  });
}

function fdToMove(socket: Socket): number {
  const fd = fdOfSocket(socket, WHEN_IDLE);
  if (fd <= 2) {
    throw new AiopipeError(
      'ERR_AIOPIPE_WRONG_KIND',
      `this socket cannot be sent: it is the descriptor ${String(fd)} of this process, which process.${STDIO[fd] as string} uses`,
    );
  }
  // An HTTP parser reads from libuv itself: bytes that it has begun to parse are in no buffer of the socket.
  if ((socket as { parser?: unknown }).parser) {
    throw new BusyError(
      "this socket cannot be sent, because HTTP reads from it: send it from the 'connection' event of a net.Server, or from the 'upgrade' event",
    );
  }
  return fd;
}

const STDIO = ['stdin', 'stdout', 'stderr'] as const;

/** Returns a copy of the bytes that the socket has read and not given out. Changes nothing: the move can still fail. */
function bytesAhead(socket: Socket): Buffer {
  const { buffer, bufferIndex = 0 } = (socket as unknown as { _readableState: ReadState })._readableState;
  const bytes = Buffer.concat([...buffer].slice(bufferIndex));
  if (bytes.length === socket.readableLength) return bytes;
  throw new AiopipeError(
    'ERR_AIOPIPE_UNSUPPORTED',
    `this socket cannot be sent: it has read ${String(socket.readableLength)} bytes, which cannot be seen in this runtime; read them first`,
  );
}

export function adoptSocket(fds: readonly number[], data: unknown): Socket {
  const fd = arrived(fds, 'socket', 'net.Socket');
  const { ahead, allowHalfOpen, canWrite } = recordOf(data, 'net.Socket');
  if (!(ahead instanceof Uint8Array)) throw new TypeError('ahead: expected bytes');
  const { Socket } = process.getBuiltinModule('node:net');
  const socket = new Socket({ fd, readable: true, writable: canWrite === true, allowHalfOpen: allowHalfOpen === true });
  // Bun's constructor takes no descriptor, and its connect() does.
  if ((socket as { _handle?: unknown })._handle === null) socket.connect({ fd } as never);
  // Before the event loop reads: these bytes come first.
  if (ahead.length > 0) socket.unshift(ahead);
  return mayFail(socket);
}

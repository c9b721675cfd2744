import { EventEmitter } from 'node:events';
import { type Socket as Datagrams } from 'node:dgram';
import { type Server, type Socket } from 'node:net';
import { isNetSocket, registerHandleKind, type Move } from '@aiopipe/core/internal';
import { adoptDatagrams, moveOfDatagrams } from './datagrams.js';
import { adoptHttpServer, adoptServer, moveOfServer } from './servers.js';
import { adoptSocket, moveOfSocket } from './sockets.js';

/** A socket or server of Node's own. It carries no brand, and libuv owns its descriptor. */
type NodeObject = Socket | Server | Datagrams;

// The modules are loaded when they matter: most processes send no socket, and node:net takes 3 ms to load. Each test looks for a
// method first, because loading a module only to find that the object is another one would cost as much.

function isServer(value: object): value is Server {
  return 'getConnections' in value && value instanceof process.getBuiltinModule('node:net').Server;
}

function isDatagrams(value: object): value is Datagrams {
  return 'addMembership' in value && value instanceof process.getBuiltinModule('node:dgram').Socket;
}

export function isNodeObject(value: unknown): value is NodeObject {
  return value instanceof EventEmitter && (isNetSocket(value) || isServer(value) || isDatagrams(value));
}

/** Returns how an object of Node's moves. Throws a Refusal if its class cannot. */
export function moveOfNodeObject(value: object): Move {
  if (isNetSocket(value)) return moveOfSocket(value);
  return isServer(value) ? moveOfServer(value) : moveOfDatagrams(value as Datagrams);
}

/** Closes an object that arrived and that no message contains. */
export function discardNodeObject(value: NodeObject): void {
  if (isNetSocket(value)) value.destroy();
  else value.close();
}

registerHandleKind('net.Socket', adoptSocket);
registerHandleKind('net.Server', adoptServer);
registerHandleKind('http.Server', adoptHttpServer);
registerHandleKind('dgram.Socket', adoptDatagrams);

import { type Cluster } from 'node:cluster';
import { type Server as HttpServer } from 'node:http';
import { type Server } from 'node:net';
import { AiopipeError, ClosedError } from '@aiopipe/core';
import { type Move } from '@aiopipe/core/internal';
import { Refusal } from '../serializer/paths.js';
import { arrived, duplicateMove, recordOf } from './duplicate.js';

/** The settings that a server keeps in the other process. Its listeners stay here: functions cannot be sent. */
const SETTINGS = [
  'allowHalfOpen',
  'keepAlive',
  'keepAliveInitialDelay',
  'maxConnections',
  'noDelay',
  'pauseOnConnect',
] as const;
const HTTP_SETTINGS = [
  ...SETTINGS,
  'headersTimeout',
  'keepAliveTimeout',
  'maxHeadersCount',
  'maxRequestsPerSocket',
  'requestTimeout',
  'timeout',
] as const;

type Settings = Record<string, unknown>;

/** Returns the move of a listening server, which shares it: this process keeps its own. Throws a Refusal for other classes. */
export function moveOfServer(server: Server): Move {
  const prototype: unknown = Object.getPrototypeOf(server);
  if (prototype === process.getBuiltinModule('node:net').Server.prototype) return share('net.Server', server, SETTINGS);
  // A server of this class exists only if node:http is loaded.
  if (prototype === process.getBuiltinModule('node:http').Server.prototype) {
    return share('http.Server', server, HTTP_SETTINGS);
  }
  throw new Refusal(
    `an instance of ${server.constructor.name} cannot be shared: only a net.Server or an http.Server can. ` +
      'Share a net.Server, and make the server of the other class in each process: see "Sockets and servers" in the README',
    server,
  );
}

function share(kind: string, server: Server, settings: readonly string[]): Move {
  return duplicateMove({
    kind,
    fd: () => fdOfServer(server, kind),
    data: () => Object.fromEntries(settings.map((name) => [name, (server as unknown as Settings)[name]])),
    leave: () => undefined,
  });
}

function fdOfServer(server: Server, kind: string): number {
  if (!server.listening)
    throw new ClosedError(`this ${kind} does not listen: share it after its 'listening' event, and before close()`);
  const fd = (server as { _handle?: { fd?: number } | null })._handle?.fd;
  if (fd !== undefined && fd >= 0) return fd;
  throw new AiopipeError(
    'ERR_AIOPIPE_WRONG_KIND',
    `this ${kind} cannot be shared: it has no descriptor (in a worker of node:cluster, the primary process may have it)`,
  );
}

export function adoptServer(fds: readonly number[], data: unknown): Server {
  const { Server } = process.getBuiltinModule('node:net');
  return adopt(new Server(), fds, data, 'net.Server', SETTINGS);
}

export function adoptHttpServer(fds: readonly number[], data: unknown): HttpServer {
  const { Server } = process.getBuiltinModule('node:http');
  return adopt(new Server(), fds, data, 'http.Server', HTTP_SETTINGS);
}

function adopt<S extends Server>(
  server: S,
  fds: readonly number[],
  data: unknown,
  kind: string,
  settings: readonly string[],
): S {
  const fd = arrived(fds, 'listener', kind);
  const values = recordOf(data, kind);
  for (const name of settings) {
    const value = values[name];
    // Only these types: the peer chose them.
    if (typeof value === 'number' || typeof value === 'boolean') (server as unknown as Settings)[name] = value;
  }
  if ((process.getBuiltinModule('node:cluster') as unknown as Cluster).isWorker) {
    throw new AiopipeError(
      'ERR_AIOPIPE_UNSUPPORTED',
      'a worker of node:cluster cannot receive a server: it would ask its primary process for the descriptor',
    );
  }
  return server.listen({ fd });
}

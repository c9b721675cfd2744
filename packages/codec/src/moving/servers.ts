import { type Cluster } from 'node:cluster';
import { type Server as HttpServer } from 'node:http';
import { type Server } from 'node:net';
import { AiopipeError, ClosedError } from '@aiopipe/core';
import { type Move } from '@aiopipe/core/internal';
import { Refusal } from '../serializer/paths.js';
import { arrived, duplicateMove, mayFail, recordOf } from './duplicate.js';

/** The settings that a server keeps in the other process. Its listeners stay here: functions cannot be sent. */
const SETTINGS = {
  allowHalfOpen: 'boolean',
  dropMaxConnection: 'boolean',
  highWaterMark: 'number',
  keepAlive: 'boolean',
  keepAliveInitialDelay: 'number',
  maxConnections: 'number',
  noDelay: 'boolean',
  pauseOnConnect: 'boolean',
} as const;
const HTTP_SETTINGS = {
  ...SETTINGS,
  headersTimeout: 'number',
  insecureHTTPParser: 'boolean',
  joinDuplicateHeaders: 'boolean',
  keepAliveTimeout: 'number',
  maxHeadersCount: 'number',
  maxHeaderSize: 'number',
  maxRequestsPerSocket: 'number',
  rejectNonStandardBodyWrites: 'boolean',
  requestTimeout: 'number',
  requireHostHeader: 'boolean',
  timeout: 'number',
} as const;

type SettingTypes = Readonly<Record<string, 'number' | 'boolean'>>;
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

function share(kind: string, server: Server, settings: SettingTypes): Move {
  return duplicateMove({
    kind,
    fd: () => fdOfServer(server, kind),
    data: () => Object.fromEntries(Object.keys(settings).map((name) => [name, (server as unknown as Settings)[name]])),
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
    `this ${kind} cannot be shared: it has no descriptor that can be seen here (in a worker of node:cluster, the primary process may have it; Deno shows none)`,
  );
}

export function adoptServer(fds: readonly number[], data: unknown): Server {
  const { Server } = process.getBuiltinModule('node:net');
  return adopt(new Server(), fds, data, 'net.Server', SETTINGS);
}

export function adoptHttpServer(fds: readonly number[], data: unknown): HttpServer {
  const server = new (process.getBuiltinModule('node:http').Server)();
  if (!(server instanceof process.getBuiltinModule('node:net').Server)) {
    // Bun's would listen on another port, without an error.
    throw new AiopipeError(
      'ERR_AIOPIPE_UNSUPPORTED',
      "an http.Server of this runtime takes no descriptor: share a net.Server, and answer its 'connection' events",
    );
  }
  return adopt(server, fds, data, 'http.Server', HTTP_SETTINGS);
}

function adopt<S extends Server>(
  server: S,
  fds: readonly number[],
  data: unknown,
  kind: string,
  settings: SettingTypes,
): S {
  const fd = arrived(fds, 'listener', kind);
  const values = recordOf(data, kind);
  for (const [name, type] of Object.entries(settings)) {
    const value = values[name];
    // The peer chose them, and Node.js checks them no more: a connection that finds a negative time would end this process.
    if (typeof value !== type || (type === 'number' && !(Number.isFinite(value) && (value as number) >= 0))) continue;
    (server as unknown as Settings)[name] = type === 'number' ? Math.trunc(value as number) : value;
  }
  if ((process.getBuiltinModule('node:cluster') as unknown as Cluster).isWorker) {
    throw new AiopipeError(
      'ERR_AIOPIPE_UNSUPPORTED',
      'a worker of node:cluster cannot receive a server: it would ask its primary process for the descriptor',
    );
  }
  return mayFail(server).listen({ fd });
}

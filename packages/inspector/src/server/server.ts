import { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tellFault } from '../fault.js';
import { ProcessTree } from '../proc/tree.js';
import { watched } from '../watch/watched.js';
import { Access, Answer } from './access.js';
import { Feed } from './feed.js';
import { pageFile } from './files.js';
import { kill } from './kill.js';

export interface ServerSettings {
  /** 0: one that is free. */
  readonly port: number;
  readonly canKill: boolean;
  /** Returns what the program says of itself. */
  readonly status: () => string;
}

/** A server that listens. */
export interface PageServer {
  readonly url: string;
  /** Ends the open pages' connections, too. Resolves when the port is free. */
  close(): Promise<void>;
}

/** Connections at once. A page has one or two. */
const MOST_CONNECTIONS = 64;

const HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  // The token is in the URL.
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
} as const;

/**
 * Serves the page on 127.0.0.1. Neither the server nor a page that is open keeps the program alive. Rejects with the system's error if
 * the port is taken.
 */
export function serve({ port, canKill, status }: ServerSettings): Promise<PageServer> {
  // Loaded only here: programs that call snapshot() alone need no HTTP.
  const { createServer } = process.getBuiltinModule('node:http');
  const server: Server = createServer();
  const tree = new ProcessTree();
  const feed = new Feed({ tree, log: watched.log, clusters: watched.clusters }, { canKill, status });
  server.maxConnections = MOST_CONNECTIONS;
  server.on('connection', (socket) => socket.unref());
  const listening = new Promise<PageServer>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      server.on('error', tellFault);
      const access = new Access((server.address() as AddressInfo).port);
      server.on('request', (request, response) => {
        void answer(request, response, access, { feed, tree, canKill });
      });
      resolve({ url: access.url, close: () => close(server) });
    });
  });
  server.unref();
  return listening;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}

interface Parts {
  readonly feed: Feed;
  readonly tree: ProcessTree;
  readonly canKill: boolean;
}

async function answer(request: IncomingMessage, response: ServerResponse, access: Access, parts: Parts): Promise<void> {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  try {
    const short = await route(request, response, access, parts);
    if (short !== undefined) end(response, short);
  } catch {
    // The client has gone while it sent its request.
    response.destroy();
  }
}

/** Answers the request, or returns what the response must say. */
async function route(
  request: IncomingMessage,
  response: ServerResponse,
  access: Access,
  { feed, tree, canKill }: Parts,
): Promise<Answer | undefined> {
  const path = access.check(request);
  if (path instanceof Answer) return path;
  const allowed = path === '/kill' ? 'POST' : 'GET';
  if (request.method !== allowed) {
    response.setHeader('Allow', allowed);
    return new Answer(405, `Only ${allowed} is allowed here.`);
  }
  if (path === '/kill') {
    return canKill
      ? kill(request, tree)
      : new Answer(403, 'Kill requests need AIOPIPE_INSPECTOR_KILL=1, or kill: true for servePage().');
  }
  if (path === '/events') {
    if (feed.isFull) return new Answer(503, 'Too many pages are open.');
    feed.add(response, Number(request.headers['last-event-id']) || 0);
    return undefined;
  }
  if (path === '') {
    // The page's own links are relative to the folder.
    response.setHeader('Location', `/${access.token}/`);
    return new Answer(308, 'The page has a slash at its end.');
  }
  const file = pageFile(path);
  if (file === undefined) return new Answer(404, 'There is no such file.');
  response.writeHead(200, { 'Content-Type': file.type });
  response.end(file.content);
  return undefined;
}

function end(response: ServerResponse, { status, text }: Answer): void {
  // The rest of a body that was too long is not read.
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' });
  response.end(`${text}\n`);
}

import { createServer, type Server } from 'node:http';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { once } from 'node:events';
import { type AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { docs } from './pages.js';

const site = join(docs, 'dist');

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
  '.md': 'text/markdown; charset=utf-8',
};

/** The file of a path, as a host with clean URLs finds it. */
export function fileOf(path: string): string | undefined {
  const file = join(site, normalize(decodeURIComponent(path)));
  return [file, `${file}.html`, join(file, 'index.html')].find((name) => existsSync(name) && statSync(name).isFile());
}

/** The pages that were made from the comments of the sources: `reference/@aiopipe/core/functions/aiopipe.md`. */
export function referencePages(): readonly string[] {
  return readdirSync(join(docs, 'reference'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `reference/${name}`);
}

/** Serves the built site. */
export async function serveSite(): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer((request, response) => {
    const file = fileOf(new URL(request.url ?? '/', 'http://localhost').pathname);
    if (file === undefined) {
      response.writeHead(404).end();
    } else {
      response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' });
      response.end(readFileSync(file));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, server };
}

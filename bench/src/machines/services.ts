import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline, popen, type Program } from '@aiopipe/subprocess';
import { findProgram } from '../harness/find-program.js';

/** A server that a side has started for itself, on a free port of 127.0.0.1 and with a temporary folder. */
export interface Service extends AsyncDisposable {
  readonly port: number;
}

/** Milliseconds for a server to take connections. */
const START = 60_000;

/** Starts `argv` with its port and folder. Resolves when the server has printed `ready`. */
async function start(
  argv: (port: number, folder: string) => readonly string[],
  ready: RegExp,
  options: { readonly limits?: { readonly uid: number; readonly gid: number } } = {},
): Promise<Service> {
  const folder = makeFolder(options.limits);
  const port = await freePort();
  const program = popen(argv(port, folder), { stdin: 'ignore', stdout: 'pipe', stderr: 'stdout', ...options });
  const output = program.stdout.open();
  const seen: string[] = [];
  const lines = output.lines()[Symbol.asyncIterator]();
  const end = AbortSignal.timeout(START);
  for (;;) {
    const { value, done } = await lines.next();
    if (done === true || end.aborted) {
      await program.stop();
      throw new Error(`${program.argv.join(' ')} does not start: ${seen.slice(-5).join(' / ')}`);
    }
    seen.push(value);
    if (ready.test(value)) break;
  }
  // A full pipe would stop the server.
  void (async () => {
    while ((await lines.next()).done !== true);
  })();
  return {
    port,
    async [Symbol.asyncDispose]() {
      await stopFast(program);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What it has stored is not needed any more. */
async function stopFast(program: Program): Promise<void> {
  program.kill('SIGINT');
  await program.stop({ grace: 1000 });
}

function makeFolder(owner?: { readonly uid: number; readonly gid: number }): string {
  const folder = mkdtempSync(join(tmpdir(), 'aiopipe-bench-'));
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
  return folder;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export function startNats(): Promise<Service> {
  return start((port, folder) => {
    const config = join(folder, 'server.conf');
    const store = JSON.stringify(join(folder, 'store'));
    writeFileSync(config, `host: 127.0.0.1\nport: ${String(port)}\njetstream { store_dir: ${store} }\n`);
    return ['nats-server', '-c', config];
  }, /Server is ready/);
}

/** How all sides connect to NATS. Traces for the errors of requests are a third of what a request costs. */
export const loginOf = (port: number) => ({ port, noAsyncTraces: true });

/** With the settings that it has by itself: snapshots now and then. */
export function startRedis(): Promise<Service> {
  return start(
    (port, folder) => ['redis-server', '--bind', '127.0.0.1', '--port', String(port), '--dir', folder],
    /Ready to accept connections/i,
  );
}

/** The programs of PostgreSQL, which does not run as root: the system's user for it does then. */
export async function startPostgres(): Promise<Service & { readonly user: string }> {
  const limits = process.getuid?.() === 0 ? await userOfPostgres() : undefined;
  const options = limits === undefined ? {} : { limits };
  const programs = dirname(findProgram('initdb') as string);
  const parent = makeFolder(limits);
  const data = join(parent, randomUUID());
  mkdirSync(data, { mode: 0o700 });
  if (limits !== undefined) chownSync(data, limits.uid, limits.gid);
  const user = 'bench';
  const argv = [join(programs, 'initdb'), '-D', data, '-U', user, '-A', 'trust', '--no-sync', '-E', 'UTF8'];
  await pipeline({ argv, cwd: parent, ...options }).run();
  const service = await start(
    (port, folder) => [join(programs, 'postgres'), '-D', data, '-p', String(port), '-k', folder, '-h', '127.0.0.1'],
    /ready to accept connections/,
    options,
  );
  return {
    port: service.port,
    user,
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]();
      rmSync(parent, { recursive: true, force: true });
    },
  };
}

async function userOfPostgres(): Promise<{ uid: number; gid: number }> {
  const number = async (...argv: string[]) => Number((await pipeline(argv).run()).stdout);
  return { uid: await number('id', '-u', 'postgres'), gid: await number('id', '-g', 'postgres') };
}

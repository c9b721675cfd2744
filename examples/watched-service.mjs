// A service to watch: a web server over a pool, a supervisor, and two chains of programs.
//
//   node --import @aiopipe/inspector examples/watched-service.mjs [PORT]
//
// GET /PATH answers with the size and the SHA-1 of the file. What workers print stands behind their names. SIGTERM and Ctrl-C end it.
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setInterval } from 'node:timers/promises';
import { isChild, Pool, startProcess, Supervisor, target } from '@aiopipe/process';
import { pipeline } from '@aiopipe/subprocess';

/** Runs in a child of a worker. */
const checksum = target(
  import.meta.url,
  'checksum',
  /** @type {(path: string) => Promise<string>} */
  async (path) => (await pipeline(['sha1sum', path], ['cut', '-c', '-40']).run()).stdout.trim(),
);

/** Runs in a worker of the pool. */
const inspect = target(
  import.meta.url,
  'inspect',
  /** @type {(path: string) => Promise<{ size: number, sha1: string }>} */
  async (path) => {
    console.log(`looks at ${path}`);
    const { size } = await stat(path);
    // A fault that no caller catches.
    if (size === 0) process.nextTick(() => Buffer.alloc(size - 1));
    return { size, sha1: await startProcess(checksum, { args: [path] }).result };
  },
);

/** A child of the supervisor: writes how busy the machine is to a file. */
const watchLoad = target(
  import.meta.url,
  'watchLoad',
  /** @type {(file: string) => Promise<void>} */
  async (file) => {
    for await (const _ of setInterval(1000)) await writeFile(file, String(process.cpuUsage().user));
  },
);

/** A child of the supervisor: has nothing to do yet. */
const cleanUp = target(import.meta.url, 'cleanUp', async () => {
  for await (const _ of setInterval(60_000));
});

async function main() {
  const folder = await mkdtemp(join(tmpdir(), 'watched-service-'));
  const pool = new Pool(inspect, { size: 2, output: 'events' });
  pool.on('output', ({ worker, stream, line }) => {
    if (stream === 'stdout') console.log(`${worker} | ${line}`);
    else process.stderr.write(`${line}\n`);
  });
  const supervisor = new Supervisor([
    { id: 'load', target: watchLoad, args: [join(folder, 'load')] },
    { id: 'cleaner', target: cleanUp },
  ]);
  await supervisor.start();

  // One chain writes the log of requests to a file, compressed; the other one follows the uncompressed file, and prints failures.
  const requests = new PassThrough();
  const log = join(folder, 'requests.log');
  await writeFile(log, '');
  const writing = pipeline(['tee', '-a', log], ['gzip', '-c']).run({ input: requests, output: { file: `${log}.gz` } });
  const failures = pipeline(['tail', '-n', '+1', '-f', log], ['grep', '--line-buffered', '^500']);
  const over = new AbortController();
  const printing = (async () => {
    for await (const line of failures.lines({ signal: over.signal })) console.log(`failed | ${line}`);
  })().catch(() => undefined);

  const server = createServer(async ({ url = '' }, response) => {
    const answer = await pool.run(decodeURI(url)).then(JSON.stringify, (error) => {
      response.statusCode = 500;
      return String(error);
    });
    requests.write(`${response.statusCode} ${url}\n`);
    response.end(`${answer}\n`);
  });
  server.listen(Number(process.argv[2] ?? 8080), '127.0.0.1');
  await once(server, 'listening');
  console.log(`listening on ${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`);

  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
  server.close();
  server.closeAllConnections();
  await Promise.all([pool.close(), supervisor.stop()]);
  requests.end();
  await writing;
  over.abort();
  await printing;
  await rm(folder, { recursive: true });
}

if (!isChild()) await main();

// A web server whose requests go through a pool and programs: node --import ./examples/telemetry.mjs examples/traced-server.mjs [PORT]
//
// GET /PATH answers with the SHA-1 of the file. Each request is one trace: through this process, the worker and the programs.
// SIGTERM and Ctrl-C end it.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { isChild, Pool, target } from '@aiopipe/process';
import { pipeline } from '@aiopipe/subprocess';

const checksum = target(
  import.meta.url,
  'checksum',
  /** @type {(path: string) => Promise<string>} */
  async (path) => (await pipeline(['sha1sum', path], ['cut', '-d', ' ', '-f', '1']).run()).stdout,
);

async function main() {
  const pool = new Pool(checksum, { size: 2 });
  const server = createServer((request, response) => {
    pool.run(decodeURI(request.url ?? '')).then(
      (sum) => response.end(sum),
      (error) => response.writeHead(500).end(`${String(error)}\n`),
    );
  });
  server.listen(Number(process.argv[2] ?? 8080), '127.0.0.1');
  await once(server, 'listening');
  console.log(/** @type {import('node:net').AddressInfo} */ (server.address()).port);

  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
  server.close();
  server.closeIdleConnections();
  await pool.close();
}

if (!isChild()) await main();

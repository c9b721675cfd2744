// An HTTP server that answers from a pool: node examples/pool-server.mjs [PORT] [DEADLINE]
//
// GET /N answers when N milliseconds of work are done. SIGTERM and Ctrl-C end the server: it takes no more connections, and
// finishes its requests within DEADLINE milliseconds (5000). It cancels those that are left then: they get status 503.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { isChild, Pool, reapOrphans, target, taskSignal } from '@aiopipe/process';

const work = target(
  import.meta.url,
  'work',
  /** @param {number} milliseconds */
  async (milliseconds) => {
    await sleep(milliseconds, undefined, { signal: taskSignal() });
    return `${process.pid} worked\n`;
  },
);

async function main() {
  const [port = '8080', deadline = '5000'] = process.argv.slice(2);
  const pool = new Pool(work, { size: 2 });
  let isStopping = false;
  // As the first process of a container, it is what an init would be.
  if (process.pid === 1) reapOrphans();

  const server = createServer(async (request, response) => {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      const answer = await pool.with({ signal: gone.signal }).run(Number(request.url?.slice(1)));
      // So that the client makes its next request elsewhere.
      if (isStopping) response.setHeader('connection', 'close');
      response.end(answer);
    } catch (error) {
      if (!gone.signal.aborted) response.writeHead(503, { connection: 'close' }).end(`${error}\n`);
    }
  });

  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.once(signal, async () => {
      isStopping = true;
      // Connections without a request end now, the others with their answers.
      const closed = once(server, 'close');
      server.close();
      // A client may be slow to send its request, or to take its answer.
      setTimeout(() => server.closeAllConnections(), Number(deadline) + 1000).unref();
      await Promise.all([closed, pool.close({ timeout: Number(deadline) })]);
      console.log('all is done');
    });
  }
  server.listen(Number(port));
  await once(server, 'listening');
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  console.log(`listening on ${address.port}`);
}

if (!isChild()) await main();

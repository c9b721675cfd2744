// A web server over four processes: node examples/web-server.mjs moved|shared [PORT]
//
// moved: this process accepts the connections, and hands them on in turn.
// shared: the workers accept, too, each when it has time. This process still hands on the connections that it accepts.
//
// SIGHUP replaces the workers one by one; SIGTERM and Ctrl-C let them finish their requests.
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { channel } from '@aiopipe/codec';
import { isChild, startProcess, target } from '@aiopipe/process';

const WORKERS = 4;

/**
 * Answers requests until `connections` ends, and finishes those that it has then.
 *
 * @type {(connections: import('@aiopipe/codec').ChannelReader<import('node:net').Socket>, server?: import('node:net').Server) => Promise<void>}
 */
const answer = async (connections, server) => {
  let isDraining = false;
  const http = createHttpServer((request, response) => {
    if (isDraining) response.setHeader('connection', 'close');
    response.end(`${process.pid} ${request.url}\n`);
  });
  const open = new Set();
  /** @param {import('node:net').Socket} socket */
  const take = (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    http.emit('connection', socket);
  };

  // Before the first await: the server has begun to accept.
  server?.on('connection', take);
  for await (const socket of connections) take(socket);

  isDraining = true;
  server?.close();
  http.closeIdleConnections();
  for (const socket of open) await once(socket, 'close');
};

const worker = target(import.meta.url, 'worker', answer);

async function main() {
  const [how, port = '8080'] = process.argv.slice(2);
  if (how !== 'moved' && how !== 'shared') {
    console.error('usage: node examples/web-server.mjs moved|shared [PORT]');
    process.exit(2);
  }
  const server = createServer();
  server.listen(Number(port));
  await once(server, 'listening');

  let isStopping = false;
  function start() {
    const [theirs, connections] = channel();
    const child = startProcess(worker, { args: how === 'shared' ? [theirs, server] : [theirs] });
    const started = { connections, child };
    void child.join().then(() => {
      const place = workers.indexOf(started);
      // It was not asked to end: start another one in its place.
      if (place >= 0 && !isStopping) workers[place] = start();
    });
    console.log(`worker ${String(child.pid)}`);
    return started;
  }
  const workers = Array.from({ length: WORKERS }, start);

  let turn = 0;
  server.on('connection', (socket) => {
    const { connections } = workers[turn++ % WORKERS];
    // If the worker has just died, so do the connections that were on their way to it.
    connections.put(socket).catch(() => socket.destroy());
  });
  console.log(`listening on ${String(server.address().port)}`);

  /** @param {{ connections: import('@aiopipe/codec').ChannelWriter, child: import('@aiopipe/process').ProcessHandle }} old */
  async function drain({ connections, child }) {
    await connections.drain().catch(() => undefined);
    connections[Symbol.dispose]();
    await child.join();
  }

  process.on('SIGHUP', async () => {
    for (const place of workers.keys()) {
      const old = workers[place];
      workers[place] = start();
      await drain(old);
    }
    console.log('all workers are new');
  });
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.once(signal, async () => {
      isStopping = true;
      server.close();
      await Promise.all(workers.map(drain));
    });
  }
}

if (!isChild()) await main();

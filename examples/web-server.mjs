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

/** @typedef {import('node:net').Socket} Socket */

const WORKERS = 4;

/**
 * Answers requests until `connections` ends, and finishes those that it has then.
 *
 * @type {(connections: import('@aiopipe/codec').ChannelReader<Socket>, server?: import('node:net').Server) => Promise<void>}
 */
const answer = async (connections, server) => {
  let isDraining = false;
  const http = createHttpServer((request, response) => {
    request.socket.emit('asked');
    if (isDraining) response.setHeader('connection', 'close');
    response.end(`${process.pid} ${request.url}\n`);
  });
  // The timeouts of slow requests, and the list of idle connections, belong to a server that listens.
  http.emit('listening');
  /**
   * The open connections, and the first request of each.
   *
   * @type {Map<Socket, Promise<void>>}
   */
  const open = new Map();
  /** @param {Socket} socket */
  const take = (socket) => {
    open.set(socket, new Promise((resolve) => socket.once('asked', resolve)));
    socket.once('close', () => {
      open.delete(socket);
      socket.emit('asked');
    });
    http.emit('connection', socket);
  };

  // Before the first await: the server has begun to accept.
  server?.on('connection', take);
  for await (const socket of connections) take(socket);

  isDraining = true;
  server?.close();
  // close() ends idle connections, also those whose first request is still on its way.
  await Promise.all(open.values());
  http.close();
  for (const socket of open.keys()) await once(socket, 'close');
};

const worker = target(import.meta.url, 'worker', answer);

async function main() {
  const [how, wanted = '8080'] = process.argv.slice(2);
  if (how !== 'moved' && how !== 'shared') {
    console.error('usage: node examples/web-server.mjs moved|shared [PORT]');
    process.exit(2);
  }
  const server = createServer();
  server.listen(Number(wanted));
  await once(server, 'listening');

  let isStopping = false;
  function start() {
    /** @type {[import('@aiopipe/codec').ChannelReader<Socket>, import('@aiopipe/codec').ChannelWriter<Socket>]} */
    const [theirs, connections] = channel();
    /** @type {Parameters<typeof answer>} */
    const args = how === 'shared' ? [theirs, server] : [theirs];
    const child = startProcess(worker, { args });
    const started = { connections, child };
    child.result.catch((error) => {
      // It was not asked to end.
      console.log(error.message);
      connections[Symbol.dispose]();
      if (!isStopping) workers[workers.indexOf(started)] = start();
    });
    console.log(`worker ${child.pid}`);
    return started;
  }
  const workers = Array.from({ length: WORKERS }, start);

  let turn = 0;
  server.on('connection', (socket) => {
    // If the worker has just died, so do the connections that were on their way to it.
    workers[turn++ % WORKERS]?.connections.put(socket).catch(() => socket.destroy());
  });
  /** @param {{ connections: import('@aiopipe/codec').ChannelWriter, child: import('@aiopipe/process').ProcessHandle }} old */
  async function drain({ connections, child }) {
    // The worker's channel ends after the connections that are on their way.
    await connections.drain().catch(() => undefined);
    connections[Symbol.dispose]();
    await child.join();
  }

  process.on('SIGHUP', async () => {
    for (const [place, old] of workers.entries()) {
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
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  console.log(`listening on ${port}`);
}

if (!isChild()) await main();

import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { channel, type ChannelReader, type ChannelWriter } from '@aiopipe/codec';
import { startProcess, target } from '@aiopipe/process';
import { type Laps } from '../harness/laps.js';
import { runLoad, type Load } from './load.js';

/** How connections come to the workers: one by one, or by a server that all of them have. */
export type Way = 'moved' | 'shared';

export interface Serving extends Load {
  readonly workers: number;
  readonly way: Way;
}

const worker = target(
  import.meta.url,
  'serversOursWorker',
  async (connections: ChannelReader<Socket>, server?: Server) => {
    const http = createHttpServer((_, response) => response.end('hello'));
    server?.on('connection', (socket) => http.emit('connection', socket));
    for await (const socket of connections) http.emit('connection', socket);
  },
);

/** Accepts and hands on, in a process of its own, as the primary process of node:cluster does. */
const primary = target(
  import.meta.url,
  'serversOursPrimary',
  async (way: Way, workers: number, ports: ChannelWriter<number>) => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const writers = Array.from({ length: workers }, () => {
      const [reader, writer] = channel<Socket>();
      startProcess(worker, { args: way === 'moved' ? [reader] : [reader, server] });
      return writer;
    });
    let turn = 0;
    if (way === 'moved') server.on('connection', (socket) => void writers[turn++ % workers]?.put(socket));
    await ports.put((server.address() as AddressInfo).port);
    if (way === 'shared') server.close();
    // It ends when the clients do.
    await ports.closed.catch(() => undefined);
  },
);

export const serversOurs = target(import.meta.url, 'serversOurs', async (laps: Laps, spec: Serving) => {
  const [ports, theirs] = channel<number>();
  const child = startProcess(primary, { args: [spec.way, spec.workers, theirs] });
  await runLoad(laps, spec, await ports.get());
  ports.close();
  await child.result;
});

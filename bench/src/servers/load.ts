import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { runLaps, type Laps } from '../harness/laps.js';

/** How a client uses its connections. */
export interface Load {
  readonly clients: number;
  /** Whether a connection is kept for the next request; otherwise each request has its own. */
  readonly isKept: boolean;
}

/** Sends requests in laps, each client one at a time. Rejects at the first request that fails. */
export async function runLoad(laps: Laps, { clients, isKept }: Load, port: number): Promise<void> {
  const sockets = isKept ? await Promise.all(Array.from({ length: clients }, () => open(port))) : [];
  await runLaps(laps, async (amount) => {
    let left = amount;
    const client = async (_: unknown, index: number) => {
      while (left-- > 0) {
        if (isKept) await ask(sockets[index] as Socket);
        else await askOnce(port);
      }
    };
    await Promise.all(Array.from({ length: clients }, client));
  });
  for (const socket of sockets) socket.destroy();
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return socket;
}

async function askOnce(port: number): Promise<void> {
  const socket = await open(port);
  await ask(socket);
  socket.destroy();
}

const REQUEST = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

/** The answer is a word, and so short that it comes in one piece. */
function ask(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const broken = () => {
      reject(new Error('a connection broke before its answer came'));
    };
    socket.once('data', (answer: Buffer) => {
      socket.off('close', broken);
      if (answer.includes('200 OK')) resolve();
      else reject(new Error(`not an answer: ${answer.toString()}`));
    });
    socket.once('close', broken);
    socket.write(REQUEST);
  });
}

// The same kinds of work as work.ts, by Node alone.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';

export async function programs(): Promise<never> {
  for (;;) await once(spawn('true', { stdio: ['ignore', 'pipe', 'ignore'] }), 'exit');
}

export async function files(): Promise<never> {
  for (;;) {
    const file = await open('/dev/zero');
    await file.read(Buffer.alloc(10_000));
    await file.close();
  }
}

export async function sockets(): Promise<never> {
  const server = createServer((socket) => socket.end('a line\n')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  for (;;) {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(socket, 'data');
    socket.destroy();
  }
}

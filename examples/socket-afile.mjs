// A connection as an AsyncFile on both of its sides: node examples/socket-afile.mjs
// The client sends two lines and 100 KB; the server answers with the lines in capitals and the number of bytes.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { AsyncFile } from '@aiopipe/core';

const SIZE = 100_000;

/** @param {import('node:net').Socket} socket */
async function serve(socket) {
  const file = new AsyncFile(socket);
  try {
    for (let i = 0; i < 2; i++) await file.write((await file.readLine()).toString().toUpperCase(), { full: true });
    const bytes = await file.read(SIZE, { full: true, timeout: 5000 });
    await file.write(`${String(bytes.length)} bytes\n`, { full: true });
  } finally {
    await file.close();
  }
}

const server = createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const served = once(server, 'connection').then(([socket]) => serve(socket));

const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
const socket = connect(port, '127.0.0.1');
await once(socket, 'connect');
const client = new AsyncFile(socket);
try {
  await client.write('hello\nworld\n', { full: true });
  await client.write(Buffer.alloc(SIZE), { full: true });
  process.stdout.write(await client.read()); // to the end, which is the server's close
} finally {
  await client.close();
  await served;
  server.close();
}

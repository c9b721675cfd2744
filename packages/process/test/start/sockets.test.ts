import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { leakCheck } from '@aiopipe/testing';
import { aiopipe } from '@aiopipe/core';
import { Pool, startProcess, Supervisor } from '@aiopipe/process';
import { answer, echo, greet, serve } from '../fixtures/answers-connections.js';

afterAll(leakCheck());

let server: Server;
let port: number;

beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});

afterEach(() => server.close());

/** A connection: the client's socket, and the server's. */
async function connection(): Promise<{ client: Socket; socket: Socket }> {
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = connect(port, '127.0.0.1');
  const [socket] = await accepted;
  return { client, socket };
}

async function textOf(client: Socket): Promise<string> {
  let text = '';
  client.on('data', (chunk) => (text += String(chunk)));
  await once(client, 'close');
  return text;
}

test('a connection among the arguments of a child, which answers it', async () => {
  const { client, socket } = await connection();
  const child = startProcess(answer, { args: [socket, 'from a child'] });
  expect(socket.destroyed).toBe(true);
  expect(await textOf(client)).toBe('from a child');
  expect(await child.result).toBe(child.pid);
});

test("a connection among the arguments, beside an end that is the child's stdout", async () => {
  const { client, socket } = await connection();
  const [rx, tx] = aiopipe();
  const child = startProcess(answer, { args: [socket, 'to the client'], stdout: tx });
  expect(await textOf(client)).toBe('to the client');
  await child.result;
  rx.close();
});

test('a connection in a task of a pool, and back in its result', async () => {
  await using pool = new Pool(greet, { size: 1 });
  const { client, socket } = await connection();
  const text = textOf(client);
  const result = await pool.run(socket);
  result.socket.end('world');
  expect(await text).toBe('hello, world');
});

test('a server in the list of arguments of a supervised child, also when it is started again', async () => {
  await using supervisor = new Supervisor([{ id: 'web', target: serve, args: [{ server }] }]);
  await supervisor.start();
  server.on('connection', (socket) => socket.end('parent'));
  const first = await answerOfChild();
  process.kill(Number(first), 'SIGKILL');
  const second = await answerOfChild(first);
  expect(second).not.toBe(first);
});

/** Connects until another process than this one and than `not` has answered. */
async function answerOfChild(not?: string): Promise<string> {
  for (;;) {
    const text = await textOf(connect(port, '127.0.0.1').on('error', () => undefined));
    if (text !== 'parent' && text !== '' && text !== not) return text;
  }
}

test('a datagram socket among the arguments of a child', async () => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const to = socket.address().port;
  const child = startProcess(echo, { args: [socket] });
  socket.close();
  const client = createSocket('udp4');
  client.send('a datagram', to, '127.0.0.1');
  expect(String((await once(client, 'message'))[0])).toBe('a datagram');
  client.close();
  await child.result;
});

import { execFileSync } from 'node:child_process';
import { createSocket, Socket as Datagrams } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttpServer, get, Server as HttpServer, type IncomingMessage } from 'node:http';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, Server, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck } from '@aiopipe/testing';
import { ClosedError } from '@aiopipe/core';
import { channel, EncodeError } from '@aiopipe/codec';
import { errorOf } from '../channel/helpers.js';
import { carried } from './helpers.js';

afterAll(leakCheck());

async function listening<S extends Server>(server: S, where: number | string = 0): Promise<S> {
  server.listen(where);
  await once(server, 'listening');
  return server;
}

const portOf = (server: Server | Datagrams) => (server.address() as AddressInfo).port;

async function answerOf(where: number | string): Promise<string> {
  const client = typeof where === 'number' ? connect(where) : connect(where);
  let text = '';
  client.on('data', (chunk) => (text += String(chunk)));
  await once(client, 'close');
  return text;
}

describe('a listening server is shared', () => {
  test('both accept from one queue, and each goes on after the other has closed', async () => {
    const server = await listening(createServer());
    const copy = await carried(server);
    expect(copy).toBeInstanceOf(Server);
    expect([server.listening, copy.listening, portOf(copy)]).toEqual([true, true, portOf(server)]);
    server.on('connection', (socket: Socket) => socket.end('ours'));
    copy.on('connection', (socket: Socket) => socket.end('theirs'));
    const port = portOf(server);
    server.close();
    expect(await answerOf(port)).toBe('theirs');
    const third = await carried(copy);
    third.on('connection', (socket: Socket) => socket.end('third'));
    copy.close();
    expect(await answerOf(port)).toBe('third');
    third.close();
  });

  test('of a Unix socket, whose file stays until its maker closes', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'aiopipe-'));
    const path = join(directory, 'server.sock');
    const server = await listening(createServer(), path);
    const copy = await carried(server);
    copy.on('connection', (socket: Socket) => socket.end('theirs'));
    server.on('connection', (socket: Socket) => socket.end('ours'));
    copy.close();
    expect(existsSync(path)).toBe(true);
    expect(await answerOf(path)).toBe('ours');
    server.close();
    rmSync(directory, { recursive: true });
  });

  test('with its settings', async () => {
    const server = await listening(createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }));
    server.maxConnections = 7;
    const copy = await carried(server);
    expect(copy).toMatchObject({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true, maxConnections: 7 });
    server.close();
    copy.close();
  });

  test('an http.Server arrives as one, with its timeouts and without its listeners', async () => {
    const server = await listening(createHttpServer({ requestTimeout: 1234, keepAliveTimeout: 0 }, () => undefined));
    server.maxRequestsPerSocket = 3;
    const copy = await carried(server);
    expect(copy).toBeInstanceOf(HttpServer);
    expect(copy).toMatchObject({ requestTimeout: 1234, keepAliveTimeout: 0, maxRequestsPerSocket: 3 });
    expect(copy.listenerCount('request')).toBe(0);
    copy.on('request', (_, response) => response.end('theirs'));
    server.close();
    const [response] = (await once(get({ port: portOf(copy), agent: false }), 'response')) as [IncomingMessage];
    expect(String(await response.toArray())).toBe('theirs');
    copy.close();
  });

  test('as often as it is sent, in each message once', async () => {
    const server = await listening(createServer());
    const copy = await carried({ a: server, b: [server] });
    expect(copy.a).toBe(copy.b[0]);
    copy.a.close();
    server.close();
  });

  test('connections that come before it has a new process wait for it', async () => {
    const server = await listening(createServer());
    const port = portOf(server);
    using pair = channel<Server>();
    await pair[1].put(server);
    server.close();
    const answer = answerOf(port);
    const copy = await pair[0].get();
    copy.on('connection', (socket: Socket) => socket.end('late'));
    expect(await answer).toBe('late');
    copy.close();
  });
});

describe('a server that cannot be shared says why', () => {
  test('if it does not listen', async () => {
    const server = createServer();
    const early = await errorOf(carried(server));
    expect(early).toBeInstanceOf(ClosedError);
    expect(early.message).toBe(
      "this net.Server does not listen: share it after its 'listening' event, and before close()",
    );
    await listening(server);
    server.close();
    expect(await errorOf(carried(server))).toBeInstanceOf(ClosedError);
  });

  test('if it is one of TLS, or of a class of its own, with the path', async () => {
    class Special extends Server {}
    for (const server of [createTlsServer(), new Special()]) {
      await listening(server);
      const error = await errorOf(carried({ list: [server] }));
      expect(error).toBeInstanceOf(EncodeError);
      expect(error.message).toMatch(
        /^value\.list\[0\]: an instance of (Server|Special) cannot be shared: only a net\.Server or an http\.Server can\. Share a/,
      );
      server.close();
    }
  });
});

describe('a bound datagram socket is shared', () => {
  test.each(['udp4', 'udp6'] as const)('%s: each datagram goes to one of them, and both can answer', async (type) => {
    const socket = createSocket(type);
    socket.bind(0, type === 'udp4' ? '127.0.0.1' : '::1');
    await once(socket, 'listening');
    const copy = await carried(socket);
    expect(copy).toBeInstanceOf(Datagrams);
    expect(copy.address()).toEqual(socket.address());
    const { port, address } = socket.address();
    socket.close();
    copy.on('message', (message, from) => {
      copy.send(`answer to ${String(message)}`, from.port, from.address);
    });
    const client = createSocket(type);
    client.send('a question', port, address);
    expect(String((await once(client, 'message'))[0])).toBe('answer to a question');
    client.close();
    copy.close();
  });

  test('one that is not bound, is connected or closed is refused', async () => {
    const socket = createSocket('udp4');
    const unbound = await errorOf(carried(socket));
    expect(unbound).toBeInstanceOf(ClosedError);
    expect(unbound.message).toContain("is not bound: share it after its 'listening' event");
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    socket.connect(portOf(socket), '127.0.0.1');
    await once(socket, 'connect');
    expect(await errorOf(carried(socket))).toMatchObject({ code: 'ERR_AIOPIPE_WRONG_KIND' });
    socket.close();
    expect(await errorOf(carried(socket))).toBeInstanceOf(ClosedError);
  });
});

test('a process that sends other things does not load node:net', () => {
  const loaded = (script: string) => {
    const list = 'process.moduleLoadList.filter((name) => /NativeModule (net|dgram|http|_http_server)$/.test(name))';
    const args = ['--input-type=module', '-e', `${script}; console.log(${list}.join())`];
    return execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  };
  const exchange = `
    import { channel } from '@aiopipe/codec';
    const [r, w] = channel();
    await w.put({ a: new Map(), b: new Error('x'), c: channel()[0] });
    await r.get()`;
  expect(loaded(exchange)).toBe(loaded(''));
});

test('a server keeps its limits, and takes no setting that Node.js would refuse later', async () => {
  const server = await listening(createHttpServer({ maxHeaderSize: 1000, requireHostHeader: false }));
  server.timeout = -5;
  const copy = await carried(server);
  server.close();
  expect(copy).toMatchObject({ maxHeaderSize: 1000, requireHostHeader: false, timeout: 0 });
  copy.on('request', (_request, response) => response.end('well'));
  const [answer] = (await once(get({ port: portOf(copy), agent: false }), 'response')) as [IncomingMessage];
  expect(answer.statusCode).toBe(200);
  answer.resume();
  await once(answer, 'end');
  copy.close();
});

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer, request } from 'node:http';
import { connect, createServer, Socket, type AddressInfo, type Server } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fdsSince, leakCheck, openFds, until } from '@aiopipe/testing';
import { aiopipe, BusyError, ClosedError, MovedError, WriteEnd } from '@aiopipe/core';
import { channel, ChannelWriter, EncodeError, serialize } from '@aiopipe/codec';
import { errorOf, thrownBy } from '../channel/helpers.js';
import { carried } from './helpers.js';

afterAll(leakCheck());

let server: Server;
const open = new Set<Socket>();

beforeEach(async () => {
  server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  for (const socket of open) socket.destroy();
  open.clear();
  server.close();
  await once(server, 'close');
});

/** A connection: the client's socket, and the server's. */
async function connection(path?: string): Promise<{ client: Socket; socket: Socket }> {
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = path === undefined ? connect((server.address() as AddressInfo).port, '127.0.0.1') : connect(path);
  const [[socket]] = await Promise.all([accepted, once(client, 'connect')]);
  open.add(client).add(socket);
  return { client, socket };
}

async function move(socket: Socket): Promise<Socket> {
  const moved = await carried(socket);
  open.add(moved);
  return moved;
}

/** All bytes until the other side ends. */
async function rest(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'end');
  return Buffer.concat(chunks).toString();
}

describe('a connected socket moves', () => {
  test('with the bytes that it had read, before those that come later', async () => {
    const { client, socket } = await connection();
    client.write('read and put back, ');
    const [head] = (await once(socket, 'data')) as [Buffer];
    socket.pause();
    socket.unshift(head);
    client.write('read ahead, ');
    socket.read(0);
    await until('the second part was read ahead', () => socket.readableLength > head.length);
    const moved = await move(socket);
    client.end('sent later');
    expect(await rest(moved)).toBe('read and put back, read ahead, sent later');
  });

  test('through several hands, while its bytes go on coming: none is lost or repeated', async () => {
    const { client, socket } = await connection();
    const numbers = Array.from({ length: 200_000 }, (_, i) => `${String(i)}\n`).join('');
    client.end(numbers);
    let owner = socket;
    let received = '';
    // Node.js reads 64 KiB at once, and other runtimes read more.
    for (let hop = 0; hop < 20 && received.length < numbers.length; hop++) {
      const [chunk] = (await once(owner, 'data')) as [Buffer];
      received += chunk.toString('latin1');
      owner.pause();
      owner = await move(owner);
    }
    received += await rest(owner);
    expect(received === numbers).toBe(true);
  });

  test('and is destroyed here, while its connection lives on there', async () => {
    const { client, socket } = await connection();
    const moved = await move(socket);
    expect(socket.destroyed).toBe(true);
    expect(thrownBy(() => socket.write('lost'))).toBeInstanceOf(MovedError);
    moved.write('from the new owner');
    expect(String((await once(client, 'data'))[0])).toBe('from the new owner');
    expect(client.readyState).toBe('open');
    const again = await errorOf(carried(socket));
    expect(again).toBeInstanceOf(MovedError);
    expect(again.message).toContain('was handed to the peer of');
  });

  test('as an object of its own class, with its mode of ending', async () => {
    const { socket, client } = await connection();
    const moved = await move(socket);
    expect(moved).toBeInstanceOf(Socket);
    expect([moved.allowHalfOpen, moved.writable, moved.readable]).toEqual([true, true, true]);
    client.end('question');
    expect(await rest(moved)).toBe('question');
    moved.end('answer');
    expect(await rest(client)).toBe('answer');
  });

  test('after it has ended its own direction', async () => {
    const { client, socket } = await connection();
    socket.end('that is all');
    expect(await rest(client)).toBe('that is all');
    await until('the last byte has gone', () => socket.writableFinished);
    const moved = await move(socket);
    expect(moved.writable).toBe(false);
  });

  test('anywhere in a message, twice in it as one object', async () => {
    const { client, socket } = await connection();
    const copy = await carried({ deep: [{ socket }], same: socket, name: 'x' });
    open.add(copy.same);
    expect(copy.deep[0]?.socket).toBe(copy.same);
    client.end('hello');
    expect(await rest(copy.same)).toBe('hello');
  });

  test('of a Unix socket, too', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'aiopipe-'));
    const path = join(directory, 'server.sock');
    server.close();
    server = createServer({ allowHalfOpen: true }).listen(path);
    await once(server, 'listening');
    const { client, socket } = await connection(path);
    const moved = await move(socket);
    client.end('over a file');
    expect(await rest(moved)).toBe('over a file');
    rmSync(directory, { recursive: true });
  });

  test('with the head of an upgrade', async () => {
    const http = createHttpServer().listen(0, '127.0.0.1');
    await once(http, 'listening');
    const { port } = http.address() as AddressInfo;
    const client = connect(port, '127.0.0.1');
    open.add(client);
    client.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\nfirst words');
    const [, socket, head] = (await once(http, 'upgrade')) as [unknown, Socket, Buffer];
    const copy = await carried({ socket, head });
    open.add(copy.socket);
    expect(copy.head.toString()).toBe('first words');
    client.end(', last words');
    copy.socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    expect(await rest(copy.socket)).toBe(', last words');
    http.close();
  });
});

describe('a socket that cannot move says why, and stays as it is', () => {
  test('while it is connecting, or has bytes to write', async () => {
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    open.add(client);
    const early = await errorOf(carried(client));
    expect(early).toBeInstanceOf(BusyError);
    expect(early.message).toContain("send it after its 'connect' event");

    const [socket] = await accepted;
    open.add(socket);
    socket.write(Buffer.alloc(50_000_000, 'x'));
    const busy = await errorOf(carried(socket));
    expect(busy).toBeInstanceOf(BusyError);
    expect(busy.message).toContain('of its bytes are not written yet');
    socket.end();
    expect((await rest(client)).length).toBe(50_000_000);
  });

  test('while HTTP reads from it', async () => {
    const http = createHttpServer((incoming, response) => {
      void errorOf(carried(incoming.socket)).then((error) => response.end(`${error.name}: ${error.message}`));
    }).listen(0, '127.0.0.1');
    await once(http, 'listening');
    const { port } = http.address() as AddressInfo;
    const [response] = (await once(request({ port, agent: false }).end(), 'response')) as [Socket];
    expect(await rest(response)).toMatch(
      /^BusyError: this socket cannot be sent, because HTTP reads from it: send it from/,
    );
    http.close();
    await once(http, 'close');
  });

  test('after it was closed, or given out as text', async () => {
    const { socket } = await connection();
    socket.destroy();
    expect(await errorOf(carried(socket))).toBeInstanceOf(ClosedError);
    const { socket: text } = await connection();
    text.setEncoding('utf8');
    expect(await errorOf(carried(text))).toMatchObject({ code: 'ERR_AIOPIPE_WRONG_KIND' });
  });

  test('if it is a TLS socket or one of a class of its own, with the path', async () => {
    class Special extends Socket {}
    const special = await errorOf(carried({ list: [new Special()] }));
    expect(special).toBeInstanceOf(EncodeError);
    expect(special.message).toBe('value.list[0]: an instance of Special cannot be sent: only a net.Socket itself can');

    const tls = createTlsServer(selfSigned()).listen(0, '127.0.0.1');
    await once(tls, 'listening');
    const client = connectTls({ port: (tls.address() as AddressInfo).port, rejectUnauthorized: false });
    const [socket] = (await once(tls, 'secureConnection')) as [TLSSocket];
    open.add(client).add(socket);
    const secure = await errorOf(carried({ socket }));
    expect(secure).toBeInstanceOf(EncodeError);
    expect(secure.message).toMatch(/^value\.socket: a TLS socket cannot be sent, because this process has its keys/);
    tls.close();
  });

  test('if the channel sends JSON, or is no socket, or there is none', async () => {
    const { client, socket } = await connection();
    using json = channel<unknown>({ encoder: 'json', decoder: 'json' });
    expect((await errorOf(json[1].put({ a: [socket] }))).message).toBe('value.a[0]: a handle cannot be sent as JSON');
    expect((await errorOf(json[1].put({ server }))).message).toBe('value.server: a handle cannot be sent as JSON');
    const [rx, tx] = aiopipe();
    using writer = ChannelWriter.from(tx);
    expect((await errorOf(writer.put({ socket }))).message).toContain('only be sent over a local socket');
    rx.close();
    expect(thrownBy(() => serialize({ socket }))).toBeInstanceOf(EncodeError);
    client.end('still here');
    expect(await rest(socket)).toBe('still here');
  });

  test('if its message cannot be sent: it is not touched, and no descriptor is left', async () => {
    using pair = channel<unknown>({ maxFrameLength: 10_000 });
    const [r, w] = pair;
    const { client, socket } = await connection();
    client.write('ahead');
    socket.read(0);
    await until('it was read', () => socket.readableLength === 5);
    const [rx, tx] = aiopipe();
    const before = openFds();
    const closed = WriteEnd.fromFd(tx.release());
    closed.close();
    for (const bad of [() => 1, Buffer.alloc(20_000), closed]) await errorOf(w.put([socket, bad]));
    // Its descriptor is found to be gone once that of the socket was duplicated.
    expect(fdsSince(before)).toEqual([]);
    expect(r.tryGet()).toBeUndefined();
    rx.close();
    client.end(' and after');
    expect(await rest(socket)).toBe('ahead and after');
  });
});

test('a socket whose read bytes this runtime hides is refused, and no descriptor is left', async () => {
  const { client, socket } = await connection();
  const before = openFds();
  Object.defineProperty(socket, 'readableLength', { value: 5, configurable: true });
  const error = await errorOf(carried({ socket }));
  expect(error).toMatchObject({ code: 'ERR_AIOPIPE_UNSUPPORTED' });
  expect(fdsSince(before)).toEqual([]);
  Reflect.deleteProperty(socket, 'readableLength');
  client.end('still here');
  expect(await rest(socket)).toBe('still here');
});

test('a socket that no receiver takes is closed, and its client hears of it', async () => {
  const { client, socket } = await connection();
  const [r, w] = channel<unknown>();
  await w.put(socket);
  r.close();
  w.close();
  await once(client.resume(), 'end');
});

function selfSigned(): { key: string; cert: string } {
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=x'];
  const text = execFileSync('openssl', [...args, '-keyout', '-', '-out', '-'], { encoding: 'utf8', stdio: 'pipe' });
  const [key = '', cert = ''] = text.split(/(?=-----BEGIN CERTIFICATE)/);
  return { key, cert };
}

test('listeners that throw or send a message in the middle of a move change nothing', async () => {
  const { client, socket } = await connection();
  using pair = channel<unknown>();
  const [reader, writer] = pair;
  socket.on('pause', () => {
    void writer.put('inner');
    throw new Error('pause');
  });
  socket.resume();
  await writer.put({ socket });
  const { socket: moved } = (await reader.get()) as { socket: Socket };
  open.add(moved);
  client.end('bytes');
  expect(await rest(moved)).toBe('bytes');
  expect(reader.tryGet()).toBeUndefined();
});

test('a socket that arrived and is reset does not end a program that does not know of it', async () => {
  const { client, socket } = await connection();
  const moved = await move(socket);
  // once() would listen for 'error', too.
  const closed = new Promise((resolve) => moved.on('close', resolve));
  client.resetAndDestroy();
  expect(await closed).toBe(true);
});

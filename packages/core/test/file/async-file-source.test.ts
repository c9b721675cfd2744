import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { connect, createServer, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { fixture, leakCheck, pattern, until } from '@aiopipe/testing';
import { aioduplex, AsyncFile, BrokenPipeError, BusyError, ClosedError, MovedError, TimeoutError } from '@aiopipe/core';
import { afterAll, describe, expect, test } from 'vitest';
import { errorOf, randomFrom, randomSplit, thrownBy, turns } from '../helpers.js';
import { scratchDirectory } from './helpers.js';

afterAll(leakCheck());

const { pathOf } = scratchDirectory();

/** Both ends of a TCP connection; the server's has read nothing yet. */
async function tcpPair(): Promise<{ client: Socket; served: Socket }> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as { port: number }).port);
  const [[served]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [[Socket], unknown];
  server.close();
  return { client, served };
}

describe('of a net.Socket', () => {
  test('goes on where the socket was: what it had buffered comes first', async () => {
    const { client, served } = await tcpPair();
    client.write('buffered\nby ');
    served.read(0);
    await until('the bytes are buffered', () => served.readableLength === 12);
    await using file = new AsyncFile(served);
    client.write('the socket\n');
    expect((await file.readLine()).toString()).toBe('buffered\n');
    expect((await file.readLine()).toString()).toBe('by the socket\n');
    await file.write('answer');
    expect(((await once(client, 'data')) as [Buffer])[0].toString()).toBe('answer');
    client.end();
    expect(await file.read()).toHaveLength(0);
    client.destroy();
  });

  test.each([1, 2, 3, 4, 5])('loses nothing, whenever in a stream it is taken over (%i)', async (seed) => {
    const { client, served } = await tcpPair();
    const random = randomFrom(seed);
    const bytes = pattern(2_000_000);
    const listened: Buffer[] = [];
    const stopAt = random() * (bytes.length - 500_000);
    const taken = new Promise<AsyncFile>((resolve) => {
      served.on('data', function listen(chunk: Buffer) {
        listened.push(chunk);
        if (Buffer.concat(listened).length < stopAt) return;
        served.off('data', listen);
        const take = () => {
          resolve(new AsyncFile(served));
        };
        if (seed % 2) {
          take(); // within the listener of a flowing stream
        } else {
          served.pause();
          setImmediate(take);
        }
      });
    });
    served.resume();
    for (const piece of randomSplit(bytes, random, 200_000)) client.write(piece);
    client.end();
    await using file = await taken;
    const rest = await file.read();
    expect(rest.length).toBeGreaterThan(0);
    expect(Buffer.concat([...listened, rest]).equals(bytes)).toBe(true);
    client.destroy();
  });

  test('leaves an object that says where its connection went', async () => {
    const { client, served } = await tcpPair();
    const other = new AsyncFile(client);
    const closed = once(served, 'close');
    const file = new AsyncFile(served);
    expect(served.destroyed).toBe(true);
    const calls: (() => unknown)[] = [
      () => served.write('x'),
      () => served.end(),
      () => served.read(),
      () => served.pipe(process.stdout),
      () => served.resume(),
      () => served.setNoDelay(),
      () => served[Symbol.asyncIterator](),
      () => new AsyncFile(served),
    ];
    for (const call of calls) {
      const error = thrownBy(call);
      expect(error).toBeInstanceOf(MovedError);
      expect(error.message).toContain('handed to an AsyncFile');
    }
    served.destroy();
    await closed;
    await other.write('alive');
    expect((await file.read(5, { full: true })).toString()).toBe('alive');
    await file.close();
    await other.close();
  });

  test('no longer tells its listeners what comes', async () => {
    const { client, served } = await tcpPair();
    const heard: string[] = [];
    for (const event of ['data', 'readable', 'end', 'error']) served.on(event, () => heard.push(event));
    const file = new AsyncFile(served);
    client.end('for the file');
    expect((await file.read()).toString()).toBe('for the file');
    await file.close();
    await turns();
    expect(heard).toEqual([]);
    client.destroy();
  });

  test('that has ended gives what it had buffered, then the end, and can still answer', async () => {
    const { client, served } = await tcpPair();
    client.end('the last words');
    served.read(0);
    await until('the bytes are buffered', () => served.readableLength > 0);
    await using file = new AsyncFile(served);
    expect((await file.read()).toString()).toBe('the last words');
    expect(await file.read(1)).toHaveLength(0);
    await file.write('answer');
    expect(((await once(client, 'data')) as [Buffer])[0].toString()).toBe('answer');
    client.destroy();
  });

  test('that has bytes to write is refused, unless one waits', async () => {
    const { client, served } = await tcpPair();
    const bytes = pattern(8_000_000);
    client.write(bytes);
    expect(client.writableLength).toBeGreaterThan(0);
    const error = thrownBy(() => new AsyncFile(client));
    expect(error).toBeInstanceOf(BusyError);
    expect(error.message).toContain('AsyncFile.from(socket)');
    expect(await errorOf(AsyncFile.from(client, { timeout: 1 }))).toBeInstanceOf(TimeoutError);
    expect(await errorOf(AsyncFile.from(client, { signal: AbortSignal.timeout(1) }))).toMatchObject({
      code: 'ABORT_ERR',
    });
    expect(client.destroyed).toBe(false);

    const taken = AsyncFile.from(client);
    await using reading = new AsyncFile(served);
    expect((await reading.read(bytes.length, { full: true })).equals(bytes)).toBe(true);
    const writing = await taken;
    await writing.write('more');
    await writing.close();
    expect((await reading.read()).toString()).toBe('more');
  });

  test('that is connecting is waited for', async () => {
    const server = createServer((socket) => socket.end('welcome\n')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const client = connect(port, '127.0.0.1');
    expect(thrownBy(() => new AsyncFile(client)).message).toContain('still connecting');
    const file = await AsyncFile.from(client);
    expect((await file.read()).toString()).toBe('welcome\n');
    await file.close();
    server.close();
    await once(server, 'close');
    const refused = await errorOf(AsyncFile.from(connect(port, '127.0.0.1')));
    expect(refused).toBeInstanceOf(ClosedError);
    expect(refused.cause).toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('that ended its own side is waited for, and read to its end', async () => {
    const { client, served } = await tcpPair();
    client.end('question');
    await using asking = await AsyncFile.from(client);
    await using answering = new AsyncFile(served);
    expect((await answering.read()).toString()).toBe('question');
    await answering.write('answer');
    await answering.close();
    expect((await asking.read()).toString()).toBe('answer');
  });

  test('of a child’s stdout takes what it prints', async () => {
    const child = spawn('sh', ['-c', 'echo one; echo two'], { stdio: ['ignore', 'pipe', 'ignore'] });
    await using file = new AsyncFile(child.stdout as unknown as Socket);
    expect((await file.read()).toString()).toBe('one\ntwo\n');
    if (child.exitCode === null) await once(child, 'exit');
  });

  test('that has no bytes of its own, or none at all, is refused', async () => {
    const { client, served } = await tcpPair();
    const wrongKind = { code: 'ERR_AIOPIPE_WRONG_KIND' };
    const secured = new TLSSocket(new Socket());
    expect(thrownBy(() => new AsyncFile(secured))).toMatchObject(wrongKind);
    secured.destroy();
    expect(thrownBy(() => new AsyncFile(new Socket()))).toMatchObject(wrongKind);
    served.setEncoding('utf8');
    expect(thrownBy(() => new AsyncFile(served))).toMatchObject(wrongKind);
    client.destroy();
    served.destroy();
    expect(thrownBy(() => new AsyncFile(client))).toBeInstanceOf(ClosedError);
    expect(await errorOf(AsyncFile.from(client))).toBeInstanceOf(ClosedError);
  });

  test('that is reset by its peer is ECONNRESET for a reader, and a broken pipe for a writer', async () => {
    const { client, served } = await tcpPair();
    const file = new AsyncFile(served);
    const read = errorOf(file.read());
    client.resetAndDestroy();
    expect(await read).toMatchObject({ code: 'ECONNRESET', syscall: 'read' });
    expect(await errorOf(file.write('x'))).toBeInstanceOf(BrokenPipeError);
    await file[Symbol.asyncDispose]();
  });
});

test('a client writes a file, the server reads lines: both sums agree', async () => {
  const path = pathOf('file');
  const lines = Array.from({ length: 20_000 }, (_, i) => randomBytes(i % 97).toString('base64'));
  writeFileSync(path, lines.join('\n'));

  const serve = async (socket: Socket) => {
    await using file = new AsyncFile(socket);
    const hash = createHash('sha1');
    let count = 0;
    for (;;) {
      const line = await file.readLine();
      if (line.length === 0) return { count, sum: hash.digest('hex') };
      count++;
      hash.update(line);
    }
  };
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const result = once(server, 'connection').then(([socket]) => serve(socket as Socket));
  const client = await AsyncFile.from(connect((server.address() as { port: number }).port));
  const hash = createHash('sha1');
  const handle: FileHandle = await open(path);
  for await (const chunk of handle.createReadStream({ highWaterMark: 10_000 }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    expect(await client.write(chunk, { full: true })).toBe(chunk.length);
  }
  await client.close();
  expect(await result).toEqual({ count: lines.length - (lines.at(-1) === '' ? 1 : 0), sum: hash.digest('hex') });
  server.close();
  await once(server, 'close');
});

test('close() while a call waits rejects with BusyError and closes nothing', async () => {
  const [one, other] = aioduplex();
  const [a, b] = [new AsyncFile(one), new AsyncFile(other)];
  const read = a.read(10);
  expect(await errorOf(a.close())).toBeInstanceOf(BusyError);
  await b.write('x');
  expect((await read).toString()).toBe('x');
  await a.write('y');
  expect((await b.read(1)).toString()).toBe('y');
  const write = b.write(Buffer.alloc(4_000_000), { full: true }).catch((error: unknown) => error);
  expect(await errorOf(b.close())).toBeInstanceOf(BusyError);
  await a.close();
  expect(await write).toBeInstanceOf(BrokenPipeError);
  await b[Symbol.asyncDispose]();
});

test('without free descriptors nothing is taken over, and nothing is lost', async () => {
  const program = [process.execPath, fixture('takes-over-without-free-fds')];
  const { stdout, stderr } = await promisify(execFile)('sh', ['-c', 'ulimit -n 64 && exec "$0" "$@"', ...program]);
  expect(stderr).toBe('');
  expect(stdout.trim().split('\n')).toEqual([
    'FileHandle: EMFILE',
    'net.Socket: EMFILE',
    'path: EMFILE',
    'FileHandle: works later',
    'net.Socket: works later',
    'nothing leaked',
  ]);
});

import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck, readFrom } from '@aiopipe/testing';
import { aioduplex, BrokenPipeError, BusyError, ClosedError, DuplexEnd, DuplexStream } from '@aiopipe/core';
import { native } from '@aiopipe/core/internal';
import { errorOf, isPending, writeAll } from '../helpers.js';

afterAll(leakCheck());

function openPair(): [DuplexStream, DuplexStream] {
  const [one, other] = aioduplex();
  return [one.open(), other.open()];
}

test('goes both ways at once', async () => {
  const [a, b] = openPair();
  expect(a).toBeInstanceOf(DuplexStream);
  await using _a = a;
  await using _b = b;
  const size = 5_000_000;
  const send = ({ writer }: DuplexStream, byte: number) => writer.write(Buffer.alloc(size, byte));
  const [atB, atA] = await Promise.all([
    b.reader.readExactly(size),
    a.reader.readExactly(size),
    send(a, 1),
    send(b, 2),
  ]);
  expect(atB.equals(Buffer.alloc(size, 1))).toBe(true);
  expect(atA.equals(Buffer.alloc(size, 2))).toBe(true);
});

describe('half-close', () => {
  test('of the writer is EOF for the peer, who can still answer', async () => {
    const [a, b] = openPair();
    void a.writer.write('question');
    await a.writer.close();
    expect((await b.reader.read()).toString()).toBe('question');
    await b.writer.write('answer');
    await b.writer.close();
    expect((await a.reader.read()).toString()).toBe('answer');
    expect(await errorOf(a.writer.write('x'))).toBeInstanceOf(ClosedError);
    a.reader.close();
    b.reader.close();
  });

  test('of the reader is a broken pipe for the peer, who can still listen', async () => {
    const [a, b] = openPair();
    a.reader.close();
    expect(await errorOf(b.writer.write(Buffer.alloc(50_000)))).toBeInstanceOf(BrokenPipeError);
    await a.writer.write('still here');
    expect((await b.reader.read(100)).toString()).toBe('still here');
    b.writer.destroy();
    b.reader.close();
    await a.writer.close();
  });

  test('of the writer while a read waits leaves the read alone', async () => {
    const [a, b] = openPair();
    const waiting = a.reader.read(10);
    await a.writer.close();
    expect(await isPending(waiting)).toBe(true);
    await b.writer.write('late');
    expect((await waiting).toString()).toBe('late');
    a.reader.close();
    await b.close();
  });

  test('of the reader while a write waits leaves the write alone', async () => {
    const [one, other] = aioduplex();
    const { reader, writer } = one.open();
    const waiting = writer.write(Buffer.alloc(2_000_000));
    expect(await isPending(waiting)).toBe(true);
    reader.close();
    await using peer = other.open();
    expect(await peer.reader.readExactly(2_000_000)).toHaveLength(2_000_000);
    await waiting;
    await writer.close();
  });
});

describe('close', () => {
  test('flushes, then closes both', async () => {
    const [one, other] = aioduplex();
    const stream = one.open();
    void stream.writer.write('flushed');
    await stream.close();
    expect(one.state).toBe('closed');
    const buffer = Buffer.alloc(100);
    expect(buffer.toString('utf8', 0, readFrom(other.fd, buffer))).toBe('flushed');
    expect(readFrom(other.fd, buffer)).toBe(0);
    other.close();
  });

  test('after a half-close closes the other half; twice rejects with ClosedError', async () => {
    for (const half of ['reader', 'writer'] as const) {
      const [one, other] = aioduplex();
      const stream = one.open();
      await stream[half].close();
      await stream.close();
      expect(one.state).toBe('closed');
      expect(await errorOf(stream.close())).toBeInstanceOf(ClosedError);
      other.close();
    }
  });

  test('while a read waits rejects with BusyError, and disposal ends the read', async () => {
    const [one, other] = aioduplex();
    const stream = one.open();
    const waiting = stream.reader.read(1);
    expect(await errorOf(stream.close())).toBeInstanceOf(BusyError);
    await stream[Symbol.asyncDispose]();
    expect(await errorOf(waiting)).toBeInstanceOf(ClosedError);
    expect(one.state).toBe('closed');
    other.close();
  });

  test('comes with the scope, flushed, whatever is closed already', async () => {
    const [one, other] = aioduplex();
    {
      await using stream = one.open();
      void stream.writer.write('bye');
    }
    {
      await using stream = other.open();
      expect((await stream.reader.read()).toString()).toBe('bye');
      await stream.writer.close().catch(() => undefined);
      stream.reader.close();
    }
    expect([one.state, other.state]).toEqual(['closed', 'closed']);
  });

  test('at the end of a scope gives up on a peer that does not read', async () => {
    const [one, other] = aioduplex();
    const scope = async () => {
      await using stream = one.open({ closeTimeout: 10 });
      void stream.writer.write(Buffer.alloc(4 << 20));
    };
    expect(await errorOf(scope())).toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
    expect(one.state).toBe('closed');
    other.close();
  });
});

test('what the peer wrote before it closed with our bytes unread arrives, then the end', async () => {
  for (const early of [true, false]) {
    const [one, other] = aioduplex();
    await using stream = one.open();
    const all = early ? stream.reader.read() : undefined;
    await stream.writer.write('never read');
    await stream.writer.drain();
    writeAll(other.fd, Buffer.alloc(100_000, 'x'));
    other.close();
    expect(await (all ?? stream.reader.read())).toHaveLength(100_000);
    stream.writer.destroy();
  }
});

describe('over TCP', () => {
  async function connected(): Promise<{ stream: DuplexStream; end: DuplexEnd; peer: Socket; server: Server }> {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const client = createConnection(port, '127.0.0.1');
    const [[peer]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [[Socket], unknown];
    const fd = native().duplicate((client as unknown as { _handle: { fd: number } })._handle.fd);
    client.destroy();
    const end = DuplexEnd.fromFd(fd);
    return { stream: end.open(), end, peer, server };
  }

  test('reads, writes and half-closes', async () => {
    const { stream, peer, server } = await connected();
    await using _stream = stream;
    void stream.writer.write('question');
    await stream.writer.close();
    let heard = '';
    peer.setEncoding('utf8').on('data', (chunk: string) => (heard += chunk));
    await once(peer, 'end');
    expect(heard).toBe('question');
    peer.end('answer');
    expect((await stream.reader.read()).toString()).toBe('answer');
    server.close();
  });

  test('a reset is an error there, not the end of the stream', async () => {
    const { stream, peer, server } = await connected();
    const waiting = stream.reader.read(1);
    peer.resetAndDestroy();
    expect(await errorOf(waiting)).toMatchObject({ code: 'ECONNRESET', syscall: 'read' });
    expect(await errorOf(stream.reader.read(1))).toMatchObject({ code: 'ECONNRESET' });
    expect(await errorOf(stream.writer.write(Buffer.alloc(20_000)))).toBeInstanceOf(BrokenPipeError);
    stream.writer.destroy();
    stream.reader.close();
    server.close();
  });
});

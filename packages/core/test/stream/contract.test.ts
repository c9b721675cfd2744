import { setTimeout as delay } from 'node:timers/promises';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  byteStreamContract,
  leakCheck,
  pattern,
  runFixture,
  type BytePipe,
  type ByteStreamMakers,
} from '@aiopipe/testing';
import { aioduplex, aiopipe, AsyncFile, TimeoutError } from '@aiopipe/core';
import { native } from '@aiopipe/core/internal';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

afterAll(leakCheck());

/** So that its write resolves when the kernel has the bytes, which the contract is about. */
const UNBUFFERED = { highWaterMark: 0 };

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'aiopipe-contract-'));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** Takes what fits now, and returns how many bytes that were. */
type Push = (bytes: Buffer) => number | Promise<number>;
type PipeToClog = BytePipe & { readonly push: Push };

/** Milliseconds. TCP moves bytes on to the other side's buffer in its own time, and no event tells of that. */
const TCP_ROUND = 10;

/** Fills it until it takes nothing more, and goes on taking nothing. */
async function clog(push: Push): Promise<number> {
  let clogged = 0;
  for (let size = 65536, fullRounds = 0; fullRounds < 6;) {
    const count = await push(Buffer.alloc(size));
    clogged += count;
    if (count > 0) {
      fullRounds = 0;
      // TCP may have made room for megabytes.
      size = Math.min(65536, size * 2);
    } else if (size > 1) {
      size = 1;
    } else {
      fullRounds++;
      await delay(TCP_ROUND);
    }
  }
  return clogged;
}

function pushTo(end: { readonly fd: number }, isSocket: boolean): Push {
  // Some systems send without blocking only so.
  if (isSocket) native().setNonblocking(end.fd, 1);
  return (bytes) => Math.max(0, native().write(end.fd, bytes, 0, bytes.length, isSocket));
}

function pipeOfFiles(to: AsyncFile, from: AsyncFile): PipeToClog {
  return {
    sink: {
      write: (bytes, options) => to.write(bytes, { ...options, full: true }),
      close: () => to.close(),
      [Symbol.asyncDispose]: () => to[Symbol.asyncDispose](),
    },
    source: from,
    push: (bytes) =>
      to.write(bytes, { timeout: 0 }).catch((error: unknown) => {
        if (error instanceof TimeoutError) return 0;
        throw error;
      }),
  };
}

function simplex(): PipeToClog {
  const [rx, tx] = aiopipe();
  return { source: rx.open(), sink: tx.open(UNBUFFERED), push: pushTo(tx, false) };
}

function duplex(): PipeToClog {
  const [one, other] = aioduplex();
  const from = one.open(UNBUFFERED);
  const to = other.open();
  return {
    sink: {
      write: (...args) => from.writer.write(...args),
      close: () => from.close(),
      [Symbol.asyncDispose]: () => from[Symbol.asyncDispose](),
    },
    source: {
      read: (...args) => to.reader.read(...args),
      close: () => to.close(),
      [Symbol.asyncDispose]: () => to[Symbol.asyncDispose](),
    },
    push: pushTo(one, true),
  };
}

async function connection(where: 'tcp' | 'unix'): Promise<PipeToClog> {
  const server = createServer({ pauseOnConnect: true });
  const served = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const path = join(directory, 'socket');
  await new Promise<void>((resolve) => {
    if (where === 'unix') server.listen(path, resolve);
    else server.listen(0, '127.0.0.1', resolve);
  });
  const client = where === 'unix' ? connect(path) : connect(server.address() as { port: number });
  const [sink, source] = await Promise.all([AsyncFile.from(client), served.then((socket) => new AsyncFile(socket))]);
  server.close();
  return pipeOfFiles(sink, source);
}

async function fifo(): Promise<PipeToClog> {
  const path = join(directory, 'fifo');
  expect(spawnSync('mkfifo', [path]).status).toBe(0);
  const source = await AsyncFile.open(path);
  const sink = await AsyncFile.open(path, 'w');
  rmSync(path);
  return pipeOfFiles(sink, source);
}

const kinds: [string, () => PipeToClog | Promise<PipeToClog>][] = [
  ['a simplex pipe', simplex],
  ['a duplex pipe', duplex],
  ['AsyncFiles on a TCP connection', () => connection('tcp')],
  ['AsyncFiles on a connection of this machine', () => connection('unix')],
  ['AsyncFiles on a FIFO', fifo],
];

describe.each(kinds)('%s', (_name, make) => {
  const makers: ByteStreamMakers = {
    makePipe: make,
    makeCloggedPipe: async () => {
      const pipe = await make();
      return { ...pipe, clogged: await clog(pipe.push) };
    },
  };

  test.each(byteStreamContract)('%s', async (_behaviour, check) => {
    await check(makers);
  });

  test('gives the same bytes for any sizes of writes and reads', async () => {
    const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 100_000 })), {
      minLength: 1,
      maxLength: 20,
    });
    await fc.assert(
      fc.asyncProperty(sizes, sizes, async (writes, reads) => {
        const { sink, source } = await make();
        const bytes = pattern(writes.reduce((sum, size) => sum + size, 0));
        const writeAll = async () => {
          let at = 0;
          for (const size of writes) await sink.write(bytes.subarray(at, (at += size)));
          await sink.close();
        };
        const readAll = async () => {
          const chunks: Uint8Array[] = [];
          for (let i = 0; ; i++) {
            const size = reads[i % reads.length] as number;
            const chunk = await source.read(size);
            expect(chunk.length).toBeLessThanOrEqual(size);
            if (chunk.length === 0) return Buffer.concat(chunks);
            chunks.push(chunk);
          }
        };
        const [received] = await Promise.all([readAll(), writeAll()]);
        await source.close();
        expect(received.equals(bytes)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });
});

test('1 GiB goes between two processes unharmed, and neither grows by 64 MiB, garbage apart', async () => {
  const [rx, tx] = aiopipe();
  const execArgv = ['--expose-gc'];
  const writes = tx.detach((child) => [runFixture('writes-1-gib', { fds: [child.fd] })]);
  const reads = rx.detach((child) => [runFixture('reads-1-gib', { execArgv, fds: [child.fd] })]);
  const [written, read] = (await Promise.all([...writes, ...reads])).map(({ stdout, stderr }) => {
    expect(stderr).toBe('');
    return JSON.parse(stdout) as { bytes: number; sum: string; growth: number };
  });
  expect(read).toEqual({ bytes: 2 ** 30, sum: written?.sum, growth: expect.any(Number) });
  expect(written?.growth).toBeLessThan(64 * 2 ** 20);
  expect(read?.growth).toBeLessThan(64 * 2 ** 20);
});

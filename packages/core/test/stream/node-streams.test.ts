import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { PassThrough, Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { aioduplex, aiopipe, BrokenPipeError } from '@aiopipe/core';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, expect, test } from 'vitest';

afterAll(leakCheck());

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

test('bytes through stream/promises.pipeline arrive whole', async () => {
  const [sourceRx, sourceTx] = aiopipe();
  const [targetRx, targetTx] = aiopipe();
  const bytes = randomBytes(3_000_000);
  const target = targetRx.open();
  const received = target.read();
  const upper = new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      callback(null, chunk);
    },
  });
  const first = pipeline(
    Readable.from([bytes.subarray(0, 1_000_000), bytes.subarray(1_000_000)]),
    sourceTx.open().toNode(),
  );
  await Promise.all([first, pipeline(sourceRx.open().toNode(), upper, targetTx.open().toNode())]);
  expect(sha256(await received)).toBe(sha256(bytes));
  target.close();
  expect([sourceRx.state, sourceTx.state, targetTx.state]).toEqual(['closed', 'closed', 'closed']);
});

test('a consumer that does not read stops the writer at the pipe’s capacity', async () => {
  const [rx, tx] = aiopipe({ capacity: 65536 });
  const stream = tx.open({ highWaterMark: 0 }).toNode();
  let taken = 0;
  while (stream.write(Buffer.alloc(16384))) taken++;
  await new Promise((resolve) => setImmediate(resolve));
  while (stream.writableLength < stream.writableHighWaterMark && stream.write(Buffer.alloc(16384))) taken++;
  expect(taken).toBeLessThan(16);
  const reader = rx.open();
  const drained = once(stream, 'drain');
  while (stream.writableNeedDrain) await reader.read(65536);
  await drained;
  stream.destroy();
  reader.close();
});

test('a Node.js stream reads nothing before a chunk is asked for', async () => {
  const [rx, tx] = aiopipe();
  const stream = rx.open().toNode();
  const writer = tx.open();
  await writer.write('text');
  expect(stream.readableLength).toBe(0);
  stream.destroy();
  writer.destroy();
  expect(rx.state).toBe('closed');
});

test('destroying a Node stream closes a reader that waits, without an error', async () => {
  const [rx, tx] = aiopipe();
  const stream = rx.open().toNode();
  stream.resume();
  stream.destroy();
  await once(stream, 'close');
  expect(rx.state).toBe('closed');
  tx.close();
});

test('a pipeline into a reader that is gone rejects BrokenPipeError', async () => {
  const [rx, tx] = aiopipe();
  rx.close();
  await expect(pipeline(Readable.from([Buffer.alloc(1_000_000)]), tx.open().toNode())).rejects.toThrow(BrokenPipeError);
  expect(tx.state).toBe('closed');
});

test('the end of a duplex stream’s writable half is a half-close', async () => {
  const [a, b] = aioduplex();
  const stream = a.open().toNode();
  const other = b.open();
  stream.end('question');
  expect((await other.reader.read()).toString()).toBe('question');
  await other.writer.write('answer');
  await other.close();
  const collected = new PassThrough();
  await pipeline(stream, collected);
  expect(String(collected.read())).toBe('answer');
  expect(a.state).toBe('closed');
});

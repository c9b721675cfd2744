import { createHash, randomBytes } from 'node:crypto';
import { aioduplex, aiopipe, BrokenPipeError, BusyError, ClosedError } from '@aiopipe/core';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, expect, test } from 'vitest';

afterAll(leakCheck());

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

test('bytes piped from one web stream into another arrive whole', async () => {
  const [sourceRx, sourceTx] = aiopipe();
  const [targetRx, targetTx] = aiopipe();
  const bytes = randomBytes(3_000_000);
  const source = sourceTx.open();
  const target = targetRx.open();
  const piped = sourceRx.open().toWeb().pipeTo(targetTx.open().toWeb());
  const received = target.read();
  await source.write(bytes);
  await source.close();
  await piped;
  expect(sha256(await received)).toBe(sha256(bytes));
  target.close();
  expect([sourceRx.state, targetTx.state]).toEqual(['closed', 'closed']);
});

test('a web stream reads nothing before a chunk is asked for', async () => {
  const [rx, tx] = aiopipe({ capacity: 4096 });
  const writer = tx.open({ highWaterMark: 0 });
  const stream = rx.open().toWeb();
  await writer.write(Buffer.alloc(4096));
  const blocked = writer.write(Buffer.alloc(4096));
  expect(await Promise.race([blocked.then(() => 'written'), new Promise((resolve) => setImmediate(resolve))])).toBe(
    undefined,
  );
  await stream.cancel();
  await expect(blocked).rejects.toThrow(BrokenPipeError);
  writer.destroy();
});

test('cancelling a readable web stream closes the reader', async () => {
  const [rx, tx] = aiopipe();
  const stream = rx.open().toWeb();
  await stream.cancel();
  expect(rx.state).toBe('closed');
  tx.close();
});

test('aborting a writable web stream drops unflushed bytes', async () => {
  const [rx, tx] = aiopipe();
  const stream = tx.open().toWeb();
  await stream.abort(new Error('no more'));
  expect(tx.state).toBe('closed');
  rx.close();
});

test('a write to a web stream whose reader is gone rejects, and closes the writer', async () => {
  const [rx, tx] = aiopipe();
  rx.close();
  const writer = tx.open().toWeb().getWriter();
  writer.closed.catch(() => undefined);
  await writer.write(Buffer.alloc(100_000)).catch(() => undefined);
  await expect(writer.closed).rejects.toThrow(BrokenPipeError);
  expect(tx.state).toBe('closed');
});

test('a chunk that cannot be written closes the writer of a web stream', async () => {
  const [rx, tx] = aiopipe();
  const writer = tx.open().toWeb().getWriter();
  writer.closed.catch(() => undefined);
  await expect(writer.write(5 as never)).rejects.toThrow(TypeError);
  expect(tx.state).toBe('closed');
  rx.close();
});

test('a read that fails closes the reader of a web stream', async () => {
  const [rx, tx] = aiopipe();
  const reader = rx.open();
  const waiting = reader.read(1);
  const stream = reader.toWeb().getReader();
  stream.closed.catch(() => undefined);
  await expect(Promise.all([stream.read(), expect(waiting).rejects.toThrow(ClosedError)])).rejects.toThrow(BusyError);
  expect(rx.state).toBe('closed');
  tx.close();
});

test('a duplex pipe as web streams goes both ways', async () => {
  const [a, b] = aioduplex();
  const one = a.open().toWeb();
  const other = b.open();
  const writer = one.writable.getWriter();
  await writer.write('ping\n');
  expect((await other.reader.readLine()).toString()).toBe('ping\n');
  await other.writer.write('pong');
  await other.close();
  let text = '';
  for await (const chunk of one.readable) text += Buffer.from(chunk).toString();
  expect(text).toBe('pong');
  await writer.abort();
});

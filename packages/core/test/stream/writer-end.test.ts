import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck } from '@aiopipe/testing';
import { aiopipe, ClosedError } from '@aiopipe/core';
import { errorOf, isPending, readAllSync, turns } from '../helpers.js';

afterAll(leakCheck());

describe('close', () => {
  test('flushes what was written', async () => {
    const [rx, tx] = aiopipe();
    const writer = tx.open();
    void writer.write('last ');
    void writer.write('words');
    await writer.close();
    expect(readAllSync(rx.fd).toString()).toBe('last words');
    rx.close();
  });

  test('waits for the reader, and takes no more writes meanwhile', async () => {
    const [rx, tx] = aiopipe({ capacity: 4096 });
    const writer = tx.open();
    void writer.write(Buffer.alloc(50_000));
    const closed = writer.close();
    expect(await isPending(closed)).toBe(true);
    for (const use of [() => writer.write('x'), () => writer.drain(), () => writer.close()])
      expect(await errorOf(use())).toBeInstanceOf(ClosedError);
    await using reader = rx.open();
    expect(await reader.read()).toHaveLength(50_000);
    await closed;
    expect(tx.state).toBe('closed');
  });

  test('that timed out can be tried again, and has lost nothing', async () => {
    const [rx, tx] = aiopipe({ capacity: 4096 });
    const writer = tx.open();
    void writer.write(Buffer.alloc(50_000));
    expect((await errorOf(writer.close({ timeout: 5 }))).code).toBe('ERR_AIOPIPE_TIMEOUT');
    expect(tx.state).toBe('open');
    void writer.write('more');
    await using reader = rx.open();
    const all = reader.read();
    await writer.close();
    expect((await all).subarray(50_000).toString()).toBe('more');
  });

  test('twice throws or rejects with ClosedError', async () => {
    const [rx, tx] = aiopipe();
    const writer = tx.open();
    await writer.close();
    expect(await errorOf(writer.close())).toMatchObject({ code: 'ERR_AIOPIPE_CLOSED' });
    expect(await errorOf(writer.write('x'))).toBeInstanceOf(ClosedError);
    expect(await errorOf(writer.drain())).toBeInstanceOf(ClosedError);
    await writer[Symbol.asyncDispose]();
    writer.destroy();
    rx.close();
  });
});

describe('destroy', () => {
  test('drops unflushed bytes; calls that wait reject with ClosedError', async () => {
    const [rx, tx] = aiopipe({ capacity: 4096 });
    const writer = tx.open();
    const waits = [writer.write(Buffer.alloc(50_000)), writer.drain(), writer.close()];
    writer.destroy();
    for (const wait of waits) expect(await errorOf(wait)).toBeInstanceOf(ClosedError);
    expect(readAllSync(rx.fd)).toHaveLength(4096);
    expect(writer.unflushed).toBe(0);
    writer.destroy();
    rx.close();
  });

  test('drops what was gathered in this turn', async () => {
    const [rx, tx] = aiopipe();
    const writer = tx.open();
    void writer.write('dropped');
    writer.destroy();
    await turns();
    expect(readAllSync(rx.fd)).toHaveLength(0);
    rx.close();
  });
});

test('bytes that were gathered when their end was disposed of are not written to the next owner of its number', async () => {
  const [rx, tx] = aiopipe();
  const { fd } = tx;
  void tx.open().write('gathered');
  tx[Symbol.dispose]();
  const next = [aiopipe(), aiopipe()];
  expect(next.flat().some((end) => end.fd === fd)).toBe(true);
  await turns();
  for (const [reading, writing] of next) {
    writing.close();
    expect(readAllSync(reading.fd)).toHaveLength(0);
    reading.close();
  }
  expect(readAllSync(rx.fd)).toHaveLength(0);
  rx.close();
});

describe('disposal', () => {
  test('flushes', async () => {
    const [rx, tx] = aiopipe();
    {
      await using writer = tx.open();
      void writer.write('flushed');
    }
    expect(readAllSync(rx.fd).toString()).toBe('flushed');
    rx.close();
  });

  test('gives up after closeTimeout, destroys, and says what was dropped', async () => {
    const [rx, tx] = aiopipe({ capacity: 4096 });
    const scope = async () => {
      await using writer = tx.open({ closeTimeout: 10 });
      void writer.write(Buffer.alloc(50_000));
    };
    const error = await errorOf(scope());
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
    expect(error.message).toMatch(/45904 bytes were dropped/);
    expect(tx.state).toBe('closed');
    rx.close();
  });

  test('lets a close() that is at work finish', async () => {
    const [rx, tx] = aiopipe({ capacity: 4096 });
    await using reader = rx.open();
    const all = reader.read();
    let closed: Promise<void>;
    {
      await using writer = tx.open();
      void writer.write(Buffer.alloc(50_000));
      closed = writer.close();
    }
    await closed;
    expect(await all).toHaveLength(50_000);
    expect(tx.state).toBe('closed');
  });

  test('ends a close() that takes too long', async () => {
    const [rx, tx] = aiopipe({ capacity: 4096 });
    const writer = tx.open({ closeTimeout: 10 });
    void writer.write(Buffer.alloc(50_000));
    const closed = errorOf(writer.close());
    expect(await errorOf(writer[Symbol.asyncDispose]())).toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
    expect(await closed).toBeInstanceOf(ClosedError);
    rx.close();
  });
});

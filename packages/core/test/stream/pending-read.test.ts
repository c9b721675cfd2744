import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck } from '@aiopipe/testing';
import { aiopipe, BusyError, ClosedError, PipeReader } from '@aiopipe/core';
import { errorOf, readerAndTap, thrownBy } from '../helpers.js';

afterAll(leakCheck());

describe('one read at a time', () => {
  test('another one while one waits rejects with BusyError, and takes nothing', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    const waiting = reader.readExactly(3);
    for (const other of [
      () => reader.read(1),
      () => reader.read(),
      () => reader.readLine(),
      () => reader.readUntil('x'),
      () => reader.readExactly(1),
      () => reader[Symbol.asyncIterator]().next(),
      () => reader.lines().next(),
    ]) {
      const error = await errorOf(other());
      expect(error).toBeInstanceOf(BusyError);
      expect(error.message).toMatch(/read end made at .*another read/);
    }
    feed('abc');
    expect((await waiting).toString()).toBe('abc');
    tx.close();
  });

  test('close() while one waits throws BusyError; disposal closes, and the read rejects with ClosedError', async () => {
    const { reader, tx } = readerAndTap();
    const waiting = reader.read(1);
    expect(
      thrownBy(() => {
        reader.close();
      }),
    ).toBeInstanceOf(BusyError);
    reader[Symbol.dispose]();
    expect(await errorOf(waiting)).toBeInstanceOf(ClosedError);
    tx.close();
  });
});

describe('close', () => {
  test('makes every later call a ClosedError, and disposal nothing', async () => {
    const { reader, tx } = readerAndTap();
    reader.close();
    expect(() => {
      reader.close();
    }).toThrow(ClosedError);
    const uses = [
      () => reader.read(1),
      () => reader.read(),
      () => reader.readExactly(1),
      () => reader.readLine(),
      () => reader.readUntil('x'),
      () => reader.lines().next(),
    ];
    for (const use of uses) expect(await errorOf(use())).toBeInstanceOf(ClosedError);
    reader[Symbol.dispose]();
    await reader[Symbol.asyncDispose]();
    tx.close();
  });

  test('comes at the end of the scope', async () => {
    const [rx, tx] = aiopipe();
    {
      await using reader = rx.open();
      expect(reader).toBeInstanceOf(PipeReader);
    }
    expect(rx.state).toBe('closed');
    tx.close();
  });
});

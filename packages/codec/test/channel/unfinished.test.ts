import { leakCheck, turns } from '@aiopipe/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { ClosedError, IncompleteReadError } from '@aiopipe/core';
import { errorOf, frameOf, isPending, readerAndTap } from './helpers.js';

afterAll(leakCheck());

/** The beginning of a frame that says it has 250 MiB. */
const BEGUN = Buffer.of(0x0f, 0xa0, 0, 0, 0xa1, 0x24);

describe('a frame that is begun and never finished', () => {
  test('takes memory for what has come of it, and not for what its header says', async () => {
    const many = Array.from({ length: 40 }, () => readerAndTap());
    const before = process.memoryUsage().arrayBuffers;
    const gets = many.map(({ reader, feed }) => {
      const get = errorOf(reader.get());
      feed(BEGUN);
      return get;
    });
    await turns();
    for (const get of gets) expect(await isPending(get)).toBe(true);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(40 * 600_000);
    for (const { reader, tap } of many) {
      reader[Symbol.dispose]();
      tap.close();
    }
    for (const error of await Promise.all(gets)) expect(error).toBeInstanceOf(ClosedError);
  });

  test('leaves a get that times out or is aborted, and the channel closes', async () => {
    const { reader, tap, feed } = readerAndTap();
    feed(BEGUN);
    expect(await errorOf(reader.get({ timeout: 5 }))).toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
    expect(await errorOf(reader.get({ signal: AbortSignal.timeout(5) }))).toMatchObject({ code: 'ABORT_ERR' });
    expect(reader.tryGet()).toBeUndefined();
    reader.close();
    tap.close();
  });

  test.each([1, 3, 4, 6])('ends with IncompleteReadError if its peer closes after %i bytes', async (count) => {
    const { reader, tap, feed } = readerAndTap();
    feed(BEGUN.subarray(0, count));
    tap.close();
    const error = await errorOf(reader.get());
    expect(error).toBeInstanceOf(IncompleteReadError);
    expect(error['partial']).toHaveLength(count);
    expect(await errorOf(reader.get())).toBe(error);
    reader.close();
  });
});

describe('closed, while nothing waits', () => {
  test.each([1, 4, 6])('hears of a peer that has gone %i bytes into a frame', async (count) => {
    const { reader, tap, feed } = readerAndTap();
    const closed = errorOf(reader.closed);
    feed(BEGUN.subarray(0, count));
    expect(await isPending(closed)).toBe(true);
    tap.close();
    expect(await closed).toBeInstanceOf(IncompleteReadError);
    expect(await errorOf(reader.get())).toBe(await closed);
    reader.close();
  });

  test('hears of it also if it was asked for only then', async () => {
    const { reader, tap, feed } = readerAndTap();
    feed(BEGUN);
    expect(reader.tryGet()).toBeUndefined();
    tap.close();
    expect(await errorOf(reader.closed)).toBeInstanceOf(IncompleteReadError);
    reader.close();
  });

  test('waits for a message that came whole, in pieces, until it is taken', async () => {
    const { reader, tap, feed } = readerAndTap({ decoder: 'json' });
    const closed = errorOf(reader.closed);
    const frame = frameOf('"a message"');
    for (const byte of frame) {
      feed(Buffer.of(byte));
      expect(await isPending(closed)).toBe(true);
    }
    tap.close();
    expect(await isPending(closed)).toBe(true);
    expect(await reader.get()).toBe('a message');
    expect(await closed).toMatchObject({ code: 'ERR_AIOPIPE_END_OF_STREAM' });
    reader.close();
  });
});

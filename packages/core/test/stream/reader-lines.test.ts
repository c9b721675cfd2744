import { aiopipe, ClosedError } from '@aiopipe/core';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { errorOf, randomFrom, randomSplit, readerAndTap } from '../helpers.js';

afterAll(leakCheck());

/** Lines of all lengths, of bytes that are no UTF-8 as often as not. */
function randomLines(random: () => number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) bytes[i] = random() < 0.4 ? 0x61 : Math.floor(random() * 256);
  for (let i = 0; i < size; i += Math.floor(random() ** 3 * 2000) + 1) bytes[i] = 10;
  return bytes;
}

test('lines mixed with any other reads give the bytes in order, however they were written', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = randomFrom(seed);
    const bytes = randomLines(random, 200_000);
    const [rx, tx] = aiopipe();
    await using reader = rx.open();
    const writing = (async () => {
      await using writer = tx.open();
      for (const piece of randomSplit(bytes, random, seed % 2 === 0 ? 1000 : 60_000)) await writer.write(piece);
    })();
    const lines = reader.lines();
    const share = random();
    let at = 0;
    while (!reader.atEof) {
      if (random() < share) {
        const size = 1 + Math.floor(random() * 300);
        const got = await (random() < 0.5 ? reader.read(size) : reader.readLine());
        expect(got.equals(bytes.subarray(at, at + got.length)), `seed ${String(seed)} at ${String(at)}`).toBe(true);
        at += got.length;
        continue;
      }
      const end = bytes.indexOf(10, at);
      const next = await lines.next();
      const expected = bytes.toString('utf8', at, end < 0 ? bytes.length : end);
      expect(next.value, `seed ${String(seed)} at ${String(at)}`).toBe(at === bytes.length ? undefined : expected);
      at = end < 0 ? bytes.length : end + 1;
    }
    expect(at).toBe(bytes.length);
    await writing;
  }
});

describe('an iterator of lines', () => {
  test('answers calls that wait at the same time in their order, then tells the end', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    const lines = reader.lines();
    const results = Promise.all(Array.from({ length: 5 }, () => lines.next()));
    feed('a\nb\nc');
    tx.close();
    expect((await results).map(({ value }) => value)).toEqual(['a', 'b', 'c', undefined, undefined]);
  });

  test('can be one of several over the same reader', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    feed('a\nb\nc\n');
    const [some, others] = [reader.lines(), reader.lines()];
    const values = [await some.next(), await others.next(), await some.next()].map(({ value }) => value);
    expect(values).toEqual(['a', 'b', 'c']);
    tx.close();
  });

  test('leaves atEof false until its last line was taken', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    feed('a\nb\n');
    tx.close();
    const lines = reader.lines();
    for (let i = 0; i < 2; i++) {
      expect(reader.atEof).toBe(false);
      await lines.next();
    }
    expect(await lines.next()).toEqual({ done: true, value: undefined });
    expect(reader.atEof).toBe(true);
  });

  test('rejects for a reader that was closed, and for a signal that was aborted, though lines are there', async () => {
    const { reader, tx, feed } = readerAndTap();
    feed('a\nb\nc\n');
    const lines = reader.lines();
    await lines.next();
    const abort = new AbortController();
    const stoppable = reader.lines({ signal: abort.signal });
    await stoppable.next();
    abort.abort();
    expect((await errorOf(stoppable.next())).code).toBe('ABORT_ERR');
    reader.close();
    expect(await errorOf(lines.next())).toBeInstanceOf(ClosedError);
    tx.close();
  });

  test('is over after return(), throw() and disposal; the reader is not', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    feed('a\nb\nc\nd\n');
    const first = reader.lines();
    await first.next();
    await first.return(undefined);
    expect(await first.next()).toEqual({ done: true, value: undefined });
    await expect(reader.lines().throw(new Error('enough'))).rejects.toThrow('enough');
    {
      await using second = reader.lines();
      expect((await second.next()).value).toBe('b');
    }
    expect(String(await reader.read(100))).toBe('c\nd\n');
    tx.close();
  });
});

import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck } from '@aiopipe/testing';
import { IncompleteReadError } from '@aiopipe/core';
import { errorOf, isPending, readerAndTap, turns } from '../helpers.js';

afterAll(leakCheck());

describe('readLine', () => {
  test('gives each line with its newline, the rest at the end, then nothing', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    feed('one\n\r\n\nlast');
    tx.close();
    const lines: string[] = [];
    for (let i = 0; i < 6; i++) lines.push((await reader.readLine()).toString());
    expect(lines).toEqual(['one\n', '\r\n', '\n', 'last', '', '']);
  });

  test('waits for a newline', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    const line = reader.readLine();
    feed('half');
    expect(await isPending(line)).toBe(true);
    feed(' a line\nmore');
    expect((await line).toString()).toBe('half a line\n');
    tx.close();
    expect((await reader.readLine()).toString()).toBe('more');
  });

  test('with a size gives at most so many bytes of a line, and goes on in it', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    feed('abcdef\ngh\ni');
    tx.close();
    const parts: string[] = [];
    for (let i = 0; i < 6; i++) parts.push((await reader.readLine({ size: 3 })).toString());
    expect(parts).toEqual(['abc', 'def', '\n', 'gh\n', 'i', '']);
  });

  test.each([0, -1, 1.5, NaN, '3', null])('refuses the size %s and takes nothing', async (size) => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    feed('abc\n');
    expect(await errorOf(reader.readLine({ size: size as number }))).toBeInstanceOf(RangeError);
    expect((await reader.readLine()).toString()).toBe('abc\n');
    tx.close();
  });

  test('gives a line that is longer than a pipe holds', async () => {
    const { reader, tx } = readerAndTap();
    using _reader = reader;
    const writer = tx.open();
    const long = `${'x'.repeat(2_000_000)}\n`;
    const written = writer.write(`${long}short\n`);
    expect((await reader.readLine()).toString()).toBe(long);
    expect((await reader.readLine()).toString()).toBe('short\n');
    await written;
    await writer.close();
  });
});

describe('readUntil', () => {
  test.each(['\n', '--', 'aab', '\r\n\r\n', 'é€😀'])('finds %j wherever it is split', async (separator) => {
    const text = `a--aaab\r\n\r\naaé€😀b${separator}`;
    const bytes = Buffer.from(text);
    const end = bytes.indexOf(Buffer.from(separator)) + Buffer.byteLength(separator);
    for (let split = 1; split < bytes.length; split++) {
      const { reader, tx, feed } = readerAndTap();
      const found = reader.readUntil(separator);
      feed(bytes.subarray(0, split));
      await turns(2);
      feed(bytes.subarray(split));
      expect((await found).equals(bytes.subarray(0, end))).toBe(true);
      tx.close();
      expect((await reader.read()).equals(bytes.subarray(end))).toBe(true);
      reader.close();
    }
  });

  test('finds a separator that comes byte by byte', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    const found = reader.readUntil('-----END');
    for (const byte of Buffer.from('----x------END;')) {
      feed(Buffer.of(byte));
      await turns(2);
    }
    expect((await found).toString()).toBe('----x------END');
    expect((await reader.read(9)).toString()).toBe(';');
    tx.close();
  });

  test('takes a Uint8Array, and looks again from where a timeout left off', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    feed(Buffer.of(1, 2));
    expect((await errorOf(reader.readUntil(Uint8Array.of(2, 3), { timeout: 1 }))).code).toBe('ERR_AIOPIPE_TIMEOUT');
    feed(Buffer.of(3, 4));
    expect([...(await reader.readUntil(Uint8Array.of(2, 3)))]).toEqual([1, 2, 3]);
    tx.close();
  });

  test('rejects IncompleteReadError with what had come if the stream ends before', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    feed('no separator');
    tx.close();
    const error = await errorOf(reader.readUntil(';'));
    expect(error).toBeInstanceOf(IncompleteReadError);
    expect(String(error['partial'])).toBe('no separator');
    expect(error['expected']).toBeUndefined();
    expect(String((await errorOf(reader.readUntil(';')))['partial'])).toBe('');
  });

  test('refuses an empty separator, and values that are no separators', async () => {
    const { reader, tx } = readerAndTap();
    using _reader = reader;
    expect(await errorOf(reader.readUntil(''))).toBeInstanceOf(RangeError);
    expect(await errorOf(reader.readUntil(new Uint8Array()))).toBeInstanceOf(RangeError);
    expect(await errorOf(reader.readUntil(10 as never))).toBeInstanceOf(TypeError);
    expect(await errorOf(reader.readUntil(undefined as never))).toBeInstanceOf(TypeError);
    tx.close();
  });
});

test('readUntil refuses a separator that is not in UTF-8', async () => {
  const { reader, tx, feed } = readerAndTap();
  feed('a\ufffdb');
  expect(await errorOf(reader.readUntil('\ud800'))).toMatchObject({ name: 'TypeError', message: /surrogate/ });
  expect((await reader.readUntil('\ufffd')).toString()).toBe('a\ufffd');
  tx.close();
  reader.close();
});

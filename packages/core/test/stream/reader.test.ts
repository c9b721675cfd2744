import { createHash } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck, transferAway } from '@aiopipe/testing';
import { aioduplex, aiopipe, BusyError, ClosedError, IncompleteReadError, ReadEnd } from '@aiopipe/core';
import { errorOf, isPending, randomFrom, randomSplit, readerAndTap, turns, writeAll } from '../helpers.js';

afterAll(leakCheck());

describe('read', () => {
  test('with a size gives at least one byte, as soon as there are any, and at most size', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    feed('abcdef');
    expect((await reader.read(4)).toString()).toBe('abcd');
    expect((await reader.read(100)).toString()).toBe('ef');
    const waiting = reader.read(100);
    expect(await isPending(waiting)).toBe(true);
    feed('g');
    expect((await waiting).toString()).toBe('g');
    tx.close();
    expect(await reader.read(100)).toHaveLength(0);
    expect(await reader.read(100)).toHaveLength(0);
  });

  test('without a size gives all until the end', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    const all = reader.read();
    feed('one ');
    await turns();
    feed('two');
    expect(await isPending(all)).toBe(true);
    tx.close();
    expect((await all).toString()).toBe('one two');
    expect(await reader.read()).toHaveLength(0);
  });

  test('takes Infinity for all bytes that have arrived', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    feed('what there is');
    expect((await reader.read(Infinity)).toString()).toBe('what there is');
    tx.close();
  });

  test.each([0, -1, NaN, 0.5, 1.5, '3', null])('refuses the size %s and takes nothing', async (size) => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    feed('abc');
    expect(await errorOf(reader.read(size as number))).toBeInstanceOf(RangeError);
    tx.close();
    expect((await reader.read()).toString()).toBe('abc');
  });

  test('gives buffers that later reads do not write to', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    feed(Buffer.alloc(40_000, 'a'));
    const first = await reader.read(40_000);
    feed(Buffer.alloc(40_000, 'b'));
    const second = await reader.read(40_000);
    expect(first.equals(Buffer.alloc(40_000, 'a'))).toBe(true);
    expect(second.equals(Buffer.alloc(40_000, 'b'))).toBe(true);
    tx.close();
  });

  test('gives buffers whose transfer to another thread takes nothing else along', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    feed(Buffer.alloc(40_000, 'a'));
    const first = await reader.read(40_000);
    feed(Buffer.alloc(40_000, 'b'));
    const second = await reader.read(40_000);
    transferAway(first);
    expect(second.equals(Buffer.alloc(40_000, 'b'))).toBe(true);
    feed('and on');
    expect((await reader.read(40_000)).toString()).toBe('and on');
    tx.close();
  });

  test('gives parts of a chunk whose transfer to another thread leaves the other parts where they are', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    feed(`first\n${'a'.repeat(5000)}${'b'.repeat(5000)}`);
    for await (const line of reader.lines()) {
      expect(line).toBe('first');
      break;
    }
    const [a, b] = [await reader.read(1000), await reader.read(4000)];
    transferAway(a);
    expect(b.toString()).toBe('a'.repeat(4000));
    expect((await reader.read(5000)).toString()).toBe('b'.repeat(5000));
    tx.close();
  });
});

describe('readInto', () => {
  test('fills the memory that it is given with what there is, and leaves the rest of it alone', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    const bytes = Buffer.from('........');
    feed('abc');
    expect(await reader.readInto(bytes.subarray(1))).toBe(3);
    expect(bytes.toString()).toBe('.abc....');
    const waiting = reader.readInto(bytes);
    expect(await isPending(waiting)).toBe(true);
    feed('ABCDEFGHIJ');
    expect(await waiting).toBe(8);
    expect(bytes.toString()).toBe('ABCDEFGH');
    tx.close();
    expect(await reader.readInto(bytes)).toBe(2);
    expect(await reader.readInto(bytes)).toBe(0);
    expect(bytes.toString()).toBe('IJCDEFGH');
  });

  test('takes what another call had read ahead first, and any view', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    feed('line\nrest');
    await reader.readLine();
    const words = new Uint16Array(5);
    expect(await reader.readInto(words)).toBe(4);
    expect(Buffer.from(words.buffer, 0, 4).toString()).toBe('rest');
    feed('more');
    expect(await reader.readInto(new DataView(words.buffer, 2))).toBe(4);
    expect(Buffer.from(words.buffer, 0, 6).toString()).toBe('remore');
    tx.close();
  });

  test.each([
    ['Buffer', Buffer.from(new ArrayBuffer(4))],
    ['DataView', new DataView(new ArrayBuffer(4))],
  ])('refuses a %s whose memory was transferred before', async (_name, view) => {
    transferAway(view as Uint8Array);
    const { reader, tx } = readerAndTap();
    using _reader = reader;
    expect((await errorOf(reader.readInto(view))).message).toBe('view: expected room for at least one byte');
    tx.close();
  });

  test('that was aborted or timed out takes nothing, and writes to the memory no more', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    const bytes = Buffer.from('....');
    expect(await errorOf(reader.readInto(bytes, { timeout: 0 }))).toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
    const abort = new AbortController();
    const waiting = reader.readInto(bytes, { signal: abort.signal });
    abort.abort();
    expect(await errorOf(waiting)).toMatchObject({ code: 'ABORT_ERR' });
    feed('abcd');
    expect((await reader.readExactly(4)).toString()).toBe('abcd');
    expect(bytes.toString()).toBe('....');
    tx.close();
  });

  test('while another read waits is BusyError; closed meanwhile, ClosedError', async () => {
    const { reader, tx } = readerAndTap();
    const waiting = reader.readInto(Buffer.alloc(1));
    expect(await errorOf(reader.readInto(Buffer.alloc(1)))).toBeInstanceOf(BusyError);
    reader[Symbol.dispose]();
    expect(await errorOf(waiting)).toBeInstanceOf(ClosedError);
    tx.close();
  });

  test.each([
    [Buffer.alloc(0), RangeError],
    ['text', TypeError],
    [new ArrayBuffer(4), TypeError],
    [null, TypeError],
  ])('refuses %s as memory', async (view, kind) => {
    const { reader, tx } = readerAndTap();
    using _reader = reader;
    expect(await errorOf(reader.readInto(view as Buffer))).toBeInstanceOf(kind);
    tx.close();
  });
});

describe('readExactly', () => {
  test('waits until that many bytes have come, and leaves the rest', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    const waiting = reader.readExactly(5);
    feed('abc');
    expect(await isPending(waiting)).toBe(true);
    feed('defg');
    expect((await waiting).toString()).toBe('abcde');
    expect((await reader.readExactly(0)).toString()).toBe('');
    expect((await reader.readExactly(2)).toString()).toBe('fg');
    tx.close();
  });

  test('takes more than a pipe holds', async () => {
    const { reader, tx } = readerAndTap();
    using _reader = reader;
    const writer = tx.open();
    const bytes = Buffer.alloc(3_000_001, 'xyz');
    const written = writer.write(bytes);
    expect((await reader.readExactly(bytes.length)).equals(bytes)).toBe(true);
    await written;
    await writer.close();
  });

  test('rejects IncompleteReadError with what had come, which is taken then', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    feed('abc');
    tx.close();
    const error = await errorOf(reader.readExactly(5));
    expect(error).toBeInstanceOf(IncompleteReadError);
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_INCOMPLETE_READ', name: 'IncompleteReadError', expected: 5 });
    expect(String(error['partial'])).toBe('abc');
    expect(error.message).toMatch(/3 of 5 bytes/);
    expect(reader.atEof).toBe(true);
    expect(await reader.read(1)).toHaveLength(0);
  });

  test.each([-1, 1.5, NaN, Infinity, '3', undefined])('refuses the size %s', async (size) => {
    const { reader, tx } = readerAndTap();
    using _reader = reader;
    expect(await errorOf(reader.readExactly(size as number))).toBeInstanceOf(RangeError);
    tx.close();
  });
});

describe('atEof', () => {
  test('is known once a read has met the end, and all is taken', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    feed('ab');
    tx.close();
    expect(reader.atEof).toBe(false);
    await reader.read(1);
    expect(reader.atEof).toBe(false);
    await reader.read();
    expect(reader.atEof).toBe(true);
  });
});

describe('iteration', () => {
  test('gives the chunks as they come, until the end', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    const chunks: string[] = [];
    feed('1');
    for await (const chunk of reader) {
      chunks.push(chunk.toString());
      if (chunks.length < 3) feed(String(chunks.length + 1));
      else if (chunks.length === 3) tx.close();
    }
    expect(chunks).toEqual(['1', '2', '3']);
  });

  test('left early leaves the reader open, with nothing lost', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    feed('a\nb\nc\n');
    for await (const line of reader.lines()) {
      expect(line).toBe('a');
      break;
    }
    expect((await reader.readLine()).toString()).toBe('b\n');
    for await (const chunk of reader) {
      expect(chunk.toString()).toBe('c\n');
      break;
    }
    feed('d');
    expect((await reader.read(1)).toString()).toBe('d');
    tx.close();
  });

  test('of lines gives strings without newline, empty ones too, and the rest', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    feed('one\n\nthree\r\nrest');
    tx.close();
    const lines: string[] = [];
    for await (const line of reader.lines()) lines.push(line);
    expect(lines).toEqual(['one', '', 'three\r', 'rest']);
  });

  test('of lines gives the same for UTF-8 that is split anywhere', async () => {
    const text = 'añ\n€uro\n😀😀 smile\n\n漢字かな\nlast ß';
    const bytes = Buffer.from(text);
    for (let seed = 0; seed < 60; seed++) {
      const { reader, tx, feed } = readerAndTap();
      const lines: string[] = [];
      const reading = (async () => {
        for await (const line of reader.lines()) lines.push(line);
      })();
      for (const piece of randomSplit(bytes, randomFrom(seed), seed < 20 ? 1 : 6)) {
        feed(piece);
        await turns(2);
      }
      tx.close();
      await reading;
      expect(lines.join('\n'), `seed ${String(seed)}`).toBe(text);
      reader.close();
    }
  });
});

test('any mix of reads gives the bytes in order, however they were written', async () => {
  const bytes = Buffer.alloc(300_000);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 7 + (i >> 8)) & 255;
  for (let seed = 0; seed < 12; seed++) {
    const random = randomFrom(1000 + seed);
    const [rx, tx] = aiopipe();
    const reader = rx.open();
    const writer = tx.open({ highWaterMark: 1 + Math.floor(random() * 100_000) });
    const writing = (async () => {
      for (const piece of randomSplit(bytes, random, 40_000)) await writer.write(piece);
      await writer.close();
    })();
    const parts: Buffer[] = [];
    while (!reader.atEof) {
      const size = 1 + Math.floor(random() * 30_000);
      const kind = Math.floor(random() * 4);
      if (kind === 0) parts.push(await reader.read(size));
      else if (kind === 1) parts.push(await reader.readLine());
      else
        parts.push(
          await (
            kind === 2 ? reader.readExactly(size) : reader.readUntil(Buffer.of(size & 255, (size + 7) & 255))
          ).catch((error: unknown) => (error as IncompleteReadError).partial),
        );
    }
    await writing;
    reader.close();
    expect(Buffer.concat(parts).equals(bytes), `seed ${String(1000 + seed)}`).toBe(true);
  }
});

test('a peer that closes with bytes unread is the end of the stream, after all that it wrote', async () => {
  const [one, other] = aioduplex();
  using reading = ReadEnd.fromFd(one.release());
  const reader = reading.open();
  writeAll(reading.fd, Buffer.from('never read'));
  writeAll(other.fd, Buffer.from('last words'));
  other.close();
  expect((await reader.read()).toString()).toBe('last words');
  expect(await reader.read(1)).toHaveLength(0);
});

test('a reader of all hears of the end though the reset comes with the last bytes', async () => {
  const [one, other] = aioduplex();
  using reading = ReadEnd.fromFd(one.release());
  const reader = reading.open();
  writeAll(reading.fd, Buffer.from('never read'));
  const all = reader.read();
  await turns();
  writeAll(other.fd, Buffer.from('last words'));
  other.close();
  expect((await all).toString()).toBe('last words');
});

test('many readers that share the loop do not mix their bytes', async () => {
  const sums = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const [rx, tx] = aiopipe();
      await using reader = rx.open();
      await using writer = tx.open();
      const bytes = Buffer.alloc(200_000 + index, String.fromCharCode(97 + index));
      const written = writer.write(bytes).then(() => writer.close());
      const hash = createHash('sha256');
      for await (const chunk of reader) hash.update(chunk);
      await written;
      return hash.digest('hex') === createHash('sha256').update(bytes).digest('hex');
    }),
  );
  expect(sums).not.toContain(false);
});

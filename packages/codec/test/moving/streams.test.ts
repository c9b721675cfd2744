import { afterAll, describe, expect, test } from 'vitest';
import { fdsSince, leakCheck, openFds } from '@aiopipe/testing';
import { aioduplex, aiopipe, BusyError, DuplexStream, MovedError, PipeReader, PipeWriter } from '@aiopipe/core';
import { channel } from '@aiopipe/codec';
import { errorOf, thrownBy } from '../channel/helpers.js';
import { carried } from './helpers.js';

afterAll(leakCheck());

const read = async (reader: PipeReader) => (await reader.read()).toString();

describe('an opened stream in a message moves while it is idle', () => {
  test('a reader, with what it has read ahead', async () => {
    const [rx, tx] = aiopipe();
    const reader = rx.open();
    const writer = tx.open();
    await writer.write('first\nsecond\nthi');
    await writer.drain();
    expect((await reader.readLine()).toString()).toBe('first\n');
    const there = await carried(reader);
    expect(there).toBeInstanceOf(PipeReader);
    await writer.write('rd');
    await writer.close();
    expect((await there.readLine()).toString()).toBe('second\n');
    const further = await carried(there);
    expect(await read(further)).toBe('third');
    expect(further.atEof).toBe(true);
    further.close();
  });

  test('a reader that has met the end of its stream', async () => {
    const [rx, tx] = aiopipe();
    const reader = rx.open();
    const writer = tx.open();
    await writer.write('all');
    await writer.close();
    expect((await errorOf(reader.readExactly(10))).name).toBe('IncompleteReadError');
    const there = await carried({ reader });
    expect(there.reader.atEof).toBe(true);
    expect(await read(there.reader)).toBe('');
    there.reader.close();
  });

  test('a writer, after what it was given', async () => {
    const [rx, tx] = aiopipe();
    const writer = tx.open();
    void writer.write('not awaited, ');
    const there = await carried(writer);
    expect(there).toBeInstanceOf(PipeWriter);
    await there.write('from there');
    await there.close();
    await using reader = rx.open();
    expect(await read(reader)).toBe('not awaited, from there');
  });

  test('a duplex stream, with both', async () => {
    const [one, other] = aioduplex();
    const a = one.open();
    await using b = other.open();
    await b.writer.write('ahead and more');
    expect((await a.reader.readExactly(5)).toString()).toBe('ahead');
    const there = await carried(a);
    expect(there).toBeInstanceOf(DuplexStream);
    expect((await there.reader.readExactly(9)).toString()).toBe(' and more');
    await there.writer.write('back');
    await there.close();
    expect(await read(b.reader)).toBe('back');
  });

  test('a duplex stream of which one half is closed, and that half alone', async () => {
    const before = openFds();
    const [one, other] = aioduplex();
    const a = one.open();
    const b = other.open();
    await a.writer.close();
    b.reader.close();
    const there = await carried(a);
    expect((await errorOf(there.writer.write('x'))).code).toBe('ERR_AIOPIPE_CLOSED');
    const writer = await carried(b.writer);
    await writer.write('one way');
    await writer.close();
    expect(await read(there.reader)).toBe('one way');
    const reader = await carried(there.reader);
    reader.close();
    expect(fdsSince(before)).toEqual([]);
  });

  test('with its options', async () => {
    const [rx, tx] = aiopipe();
    const there = await carried([rx.open({ maxLineLength: 3 }), tx.open({ highWaterMark: 0 })] as const);
    const [reader, writer] = there;
    await writer.write('1234');
    expect((await errorOf(reader.readLine())).name).toBe('LineTooLongError');
    await writer.close();
    reader.close();
  });
});

describe('an opened stream that has moved', () => {
  test('says where to, as its end does', async () => {
    using pair = channel<unknown>();
    const [r, w] = pair;
    const [rx, tx] = aiopipe();
    const [one, other] = aioduplex();
    const reader = rx.open();
    const writer = tx.open();
    const duplex = one.open();
    await w.put([reader, writer, duplex]);
    expect([rx.state, tx.state, one.state]).toEqual(['moved', 'moved', 'moved']);
    const errors = [
      ...[() => rx.fd, () => tx.close(), () => one.open(), () => reader.close()].map(thrownBy),
      ...(await Promise.all(
        [reader.read(1), writer.write('x'), writer.close(), duplex.close(), duplex.reader.read()].map(errorOf),
      )),
      await errorOf(w.put(reader)),
    ];
    for (const error of errors) {
      expect(error).toBeInstanceOf(MovedError);
      expect(error.message).toMatch(/ made at .*streams.* handed to the peer of the channel writer made at/);
    }
    // Disposal of what is not here any more does nothing, as of what is closed.
    for (const end of [reader, rx, tx, one]) end[Symbol.dispose]();
    await writer[Symbol.asyncDispose]();
    await duplex[Symbol.asyncDispose]();
    const [r2, w2, d2] = (await r.get()) as [PipeReader, PipeWriter, DuplexStream];
    r2.close();
    await w2.close();
    await d2.close();
    other.close();
  });
});

describe('an opened stream cannot move', () => {
  test('while a read waits or bytes are not flushed: a BusyError, and it goes on', async () => {
    using pair = channel<unknown>();
    const [, w] = pair;
    const [rx, tx] = aiopipe();
    const [one, other] = aioduplex();
    const reader = rx.open();
    const writer = tx.open();
    const duplex = one.open();
    const waiting = reader.read(1);
    expect(await errorOf(w.put({ reader }))).toBeInstanceOf(BusyError);
    await writer.write('x');
    expect((await waiting).toString()).toBe('x');
    const unflushed = writer.write(Buffer.alloc(1_000_000));
    const peer = other.open();
    const read = duplex.reader.read(1);
    for (const busy of [writer, duplex]) expect(await errorOf(w.put([reader, busy]))).toBeInstanceOf(BusyError);
    await reader.readExactly(1_000_000);
    await unflushed;
    await peer.writer.write('y');
    await read;
    for (const stream of [writer, duplex, peer]) await stream.close();
    reader.close();
  });

  test('as one of two halves, or by its end: a BusyError that says what to hand on', async () => {
    using pair = channel<unknown>();
    const [, w] = pair;
    const [one, other] = aioduplex();
    const duplex = one.open();
    for (const half of [duplex.reader, duplex.writer]) {
      const error = await errorOf(w.put(half));
      expect(error).toBeInstanceOf(BusyError);
      expect(error.message).toMatch(/the whole DuplexStream/);
    }
    const error = await errorOf(w.put(one));
    expect(error).toBeInstanceOf(BusyError);
    expect(error.message).toMatch(/the stream that open\(\) returned/);
    await duplex.close();
    other.close();
  });

  test('with a write that failed, which the put then rejects with', async () => {
    using pair = channel<unknown>();
    const [, w] = pair;
    const [rx, tx] = aiopipe();
    rx.close();
    const writer = tx.open();
    void writer.write('to nobody');
    expect(await errorOf(w.put(writer))).toMatchObject({ code: 'EPIPE' });
    writer.destroy();
  });
});

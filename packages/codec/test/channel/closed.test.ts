import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck } from '@aiopipe/testing';
import { aioduplex, aiopipe, BrokenPipeError, IncompleteReadError } from '@aiopipe/core';
import { Channel, channel, type ChannelReader, ChannelWriter, DecodeError, EndOfStreamError } from '@aiopipe/codec';
import { FrameTooLongError } from '@aiopipe/codec';
import { channelAndTap, errorOf, frameOf, isPending, readerAndTap, turns } from './helpers.js';

afterAll(leakCheck());

describe('closed resolves', () => {
  test('at close', async () => {
    using one = channel();
    using other = channel();
    using duplex = channel({ duplex: true });
    for (const end of [one[0], other[1], duplex[0]]) {
      const { closed } = end;
      expect(end.closed).toBe(closed);
      end.close();
      expect(await closed).toBeUndefined();
      expect(await end.closed).toBeUndefined();
    }
  });

  test('at disposal, though a get and a put wait', async () => {
    const [a, b] = channel<Buffer>({ duplex: true });
    const { closed } = a;
    const calls = [a.get(), a.put(Buffer.alloc(5_000_000))].map(errorOf);
    a[Symbol.dispose]();
    expect(await closed).toBeUndefined();
    await Promise.all(calls);
    b[Symbol.dispose]();
  });

  test('when it is handed on', async () => {
    using pair = channel<unknown>();
    const [r, w] = pair;
    const [a, b] = channel({ duplex: true });
    const { closed } = a;
    await w.put(a);
    expect(await closed).toBeUndefined();
    const there = (await r.get()) as Channel;
    b.close();
    expect(await errorOf(there.closed)).toBeInstanceOf(EndOfStreamError);
    there.close();
  });

  test('if `closed` was not used before', async () => {
    const [r, w] = channel();
    w.close();
    r.close();
    expect(await Promise.all([r.closed, w.closed])).toEqual([undefined, undefined]);
  });
});

describe('closed rejects, though no call waits', () => {
  test('when the peer has gone: EndOfStreamError for what receives, BrokenPipeError for what only sends', async () => {
    for (const leave of [
      (end: Disposable & { close(): void }) => end.close(),
      (end: Disposable) => end[Symbol.dispose](),
    ]) {
      const [r, w] = channel();
      const [a, b] = channel({ duplex: true });
      const [r2, w2] = channel();
      const all = [r.closed, a.closed, w2.closed];
      expect(await isPending(Promise.race(all))).toBe(true);
      for (const end of [w, b, r2]) leave(end);
      expect(await Promise.all(all.map(errorOf))).toEqual([
        expect.any(EndOfStreamError),
        expect.any(EndOfStreamError),
        expect.any(BrokenPipeError),
      ]);
      expect(await errorOf(w2.put(1))).toBe(await errorOf(w2.closed));
      for (const end of [r, a, w2]) {
        end.close();
        expect(await errorOf(end.closed)).toBeInstanceOf(Error);
      }
    }
  });

  test('when the reader of a pipe has gone', async () => {
    const [rx, tx] = aiopipe();
    using w = ChannelWriter.from(tx);
    const { closed } = w;
    expect(await isPending(closed)).toBe(true);
    rx.close();
    expect(await errorOf(closed)).toBeInstanceOf(BrokenPipeError);
  });

  test('only when the messages before the end were taken', async () => {
    const [r, w] = channel<number>();
    const { closed } = r;
    for (const i of [1, 2, 3]) await w.put(i);
    w.close();
    await turns();
    expect(await isPending(closed)).toBe(true);
    expect([await r.get(), r.tryGet()?.value]).toEqual([1, 2]);
    expect(await isPending(closed)).toBe(true);
    expect(await r.get()).toBe(3);
    expect(await errorOf(closed)).toBeInstanceOf(EndOfStreamError);
    r.close();
  });

  test('once gets that wait have met the end', async () => {
    const [r, w] = channel<number>();
    const { closed } = r;
    const gets = [r.get(), errorOf(r.get())];
    await w.put(1);
    w.close();
    expect(await gets[0]).toBe(1);
    expect(await errorOf(closed)).toBe(await gets[1]);
    r.close();
  });

  test('with what broke the channel', async () => {
    const { channel: malformed, tap, feed } = channelAndTap();
    const { channel: tooLong, tap: tap2, feed: feed2 } = channelAndTap();
    const { reader: cut, tap: tap3, feed: feed3 } = readerAndTap();
    const all = [malformed, tooLong, cut].map(({ closed }) => closed);
    feed(frameOf(Uint8Array.of(0xff)));
    feed2(Buffer.from('ffffffff', 'hex'));
    feed3(frameOf('abc').subarray(0, 6));
    for (const end of [tap, tap2, tap3]) end.close();
    const errors = await Promise.all([malformed, tooLong, cut].map((end) => errorOf(end.get())));
    expect(errors).toEqual([expect.any(DecodeError), expect.any(FrameTooLongError), expect.any(IncompleteReadError)]);
    expect(await Promise.all(all.map(errorOf))).toEqual(errors);
    expect(await errorOf(malformed.closed)).toBe(errors[0]);
    cut.close();
  });

  test('with a put that failed, though messages are there to be taken', async () => {
    const [a, b] = channel({ duplex: true });
    const { closed } = a;
    await b.put('kept');
    b.close();
    const error = await errorOf(a.put('x'));
    expect(await errorOf(closed)).toBe(error);
    expect(await a.get()).toBe('kept');
    a.close();
  });

  test('at once if the peer has gone before', async () => {
    const [r, w] = channel();
    const [r2, w2] = channel();
    w.close();
    r2.close();
    const settled: unknown[] = [];
    for (const end of [r, w2]) end.closed.catch((error: unknown) => settled.push(error));
    await Promise.resolve();
    expect(settled).toEqual([expect.any(EndOfStreamError), expect.any(BrokenPipeError)]);
    r.close();
    w2.close();
  });

  test('also if it is asked for only then', async () => {
    const [r, w] = channel();
    const [a, b] = channel();
    w.close();
    a.close();
    expect(await errorOf(r.get())).toBeInstanceOf(EndOfStreamError);
    expect(await errorOf(b.put(1))).toBeInstanceOf(BrokenPipeError);
    expect(await errorOf(r.closed)).toBeInstanceOf(EndOfStreamError);
    expect(await errorOf(b.closed)).toBeInstanceOf(BrokenPipeError);
    r.close();
    b.close();
    const { channel: broken, tap, feed } = channelAndTap();
    feed(frameOf(Uint8Array.of(0xff)));
    const error = await errorOf(broken.get());
    expect(await errorOf(broken.closed)).toBe(error);
    tap.close();
  });
});

describe('a watched channel', () => {
  test('reads ahead no more than its buffer', async () => {
    using pair = channel<Buffer>();
    const [r, w] = pair;
    void r.closed;
    let isDone = false;
    const puts = Promise.all(Array.from({ length: 40 }, () => w.put(Buffer.alloc(100_000)))).then(() => {
      isDone = true;
    });
    await turns();
    await turns();
    expect(isDone).toBe(false);
    for (let i = 0; i < 40; i++) expect(await r.get()).toHaveLength(100_000);
    await puts;
  });

  test('is not busy: it closes and moves', async () => {
    using pair = channel<unknown>();
    const [r, w] = pair;
    const [r2, w2] = channel<number>();
    void r2.closed;
    void w2.closed;
    await w2.put(1);
    await turns();
    await w.put([r2, w2]);
    const [reader, writer] = (await r.get()) as [ChannelReader, ChannelWriter];
    expect(await reader.get()).toBe(1);
    writer.close();
    reader.close();
  });

  test('whose peer has only ended what it sends can still send', async () => {
    const [one, other] = aioduplex();
    const a = Channel.from(one);
    const w = ChannelWriter.from(aioduplexHalf());
    const stream = other.open();
    await stream.writer.close();
    expect(await errorOf(a.get())).toBeInstanceOf(EndOfStreamError);
    expect(await isPending(Promise.race([a.closed, w.closed]))).toBe(true);
    await a.put('x');
    expect(await stream.reader.readExactly(4)).toHaveLength(4);
    stream.reader.close();
    expect(await errorOf(a.put('y'))).toBeInstanceOf(BrokenPipeError);
    expect(await errorOf(a.closed)).toBeInstanceOf(BrokenPipeError);
    a.close();
    w.close();
    peers.splice(0).forEach((peer) => peer.reader.close());
  });

  const peers: ReturnType<ReturnType<typeof aioduplex>[0]['open']>[] = [];
  /** An end whose peer has ended what it sends. */
  function aioduplexHalf() {
    const [one, other] = aioduplex();
    const peer = other.open();
    void peer.writer.close();
    peers.push(peer);
    return one;
  }

  test('drops what is sent to a writer, and sees the peer go all the same', async () => {
    const [one, other] = aioduplex();
    const w = ChannelWriter.from(one);
    const { closed } = w;
    const stream = other.open();
    for (let i = 0; i < 20; i++) await stream.writer.write(Buffer.alloc(50_000));
    await w.put('x');
    expect(await isPending(closed)).toBe(true);
    await stream.reader.read(4);
    await stream.close();
    expect(await errorOf(closed)).toBeInstanceOf(BrokenPipeError);
    w.close();
  });
});

import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck, openFds, writeTo } from '@aiopipe/testing';
import { aiopipe, MovedError, type WriteEnd } from '@aiopipe/core';
import { channel, FrameTooLongError } from '@aiopipe/codec';
import { errorOf, frameOf, readerAndTap, thrownBy } from '../channel/helpers.js';
import { carried, text } from './helpers.js';

afterAll(leakCheck());

describe('after put has returned', () => {
  test('a handle has moved, and every use of it says where to', async () => {
    using pair = channel<unknown>();
    const [r, w] = pair;
    const [rx, tx] = aiopipe();
    const [r2, w2] = channel();
    const [a, b] = channel({ duplex: true });
    const put = w.put([tx, r2, w2, a]);
    expect(tx.state).toBe('moved');
    expect([r2, w2, a].map(({ isClosed }) => isClosed)).toEqual([true, true, true]);
    const errors = [
      ...[() => tx.fd, () => tx.open(), () => tx.close(), () => tx.detach(), () => r2.tryGet(), () => r2.close()].map(
        thrownBy,
      ),
      ...(await Promise.all(
        [r2.get(), w2.put(1), w2.drain(), a.get(), a.put(1), a.drain(), w.put(tx), w.put(r2)].map(errorOf),
      )),
    ];
    for (const error of errors) {
      expect(error).toBeInstanceOf(MovedError);
      expect(error.code).toBe('ERR_AIOPIPE_MOVED');
      expect(error.message).toMatch(/made at .* handed to the peer of the channel writer made at .*moved\.test\.ts/);
    }
    await put;
    for (const handle of (await r.get()) as Disposable[]) handle[Symbol.dispose]();
    for (const end of [rx, b]) end.close();
    for (const moved of [tx, r2, w2, a]) moved[Symbol.dispose]();
  });

  test('its descriptor is not open here any more', async () => {
    using pair = channel<unknown>();
    const [r, w] = pair;
    const [rx, tx] = aiopipe();
    const before = openFds();
    await w.put(tx);
    expect([...before.keys()].filter((fd) => !openFds().has(fd))).toHaveLength(1);
    ((await r.get()) as WriteEnd).close();
    rx.close();
  });
});

describe('a handle that was used before', () => {
  test('takes along what it has read ahead, and the shapes that it knows', async () => {
    using pair = channel<{ name: string; i: number }>();
    const [r, w] = pair;
    for (let i = 0; i < 5; i++) void w.put({ name: 'ahead', i });
    expect(await r.get()).toEqual({ name: 'ahead', i: 0 });
    const there = await carried(r);
    await w.put({ name: 'later', i: 5 });
    for (let i = 1; i < 5; i++) expect(await there.get()).toEqual({ name: 'ahead', i });
    const again = await carried(there);
    expect(await again.get()).toEqual({ name: 'later', i: 5 });
    again.close();
  });

  test('takes along half a message', async () => {
    const { reader, tap, feed } = readerAndTap({ decoder: 'json' });
    const frame = frameOf(JSON.stringify('x'.repeat(300_000)));
    feed(Buffer.concat([frameOf('1'), frame.subarray(0, 200_000)]));
    expect(await reader.get()).toBe(1);
    await errorOf(reader.get({ timeout: 1 }));
    const there = await carried(reader);
    feed(frame.subarray(200_000));
    expect(await there.get()).toBe('x'.repeat(300_000));
    there.close();
    tap.close();
  });

  test('takes along the handles that it has read ahead', async () => {
    using pair = channel<unknown>();
    const [r, w] = pair;
    const [rx, tx] = aiopipe();
    void w.put('plain');
    await w.put({ tx });
    expect(await r.get()).toBe('plain');
    const there = await carried(r);
    const copy = (await there.get()) as { tx: WriteEnd };
    writeTo(copy.tx.fd, 'still here');
    expect(text(rx)).toBe('still here');
    for (const end of [copy.tx, rx, there]) end.close();
  });

  test('starts its shapes anew as a writer, and its reader follows', async () => {
    using pair = channel<unknown>();
    const [r, w] = pair;
    await w.put({ a: 1 });
    await w.put({ a: 2, b: 3 });
    const there = await carried(w);
    await there.put({ a: 2, b: 4 });
    await there.put({ a: 5 });
    for (const value of [{ a: 1 }, { a: 2, b: 3 }, { a: 2, b: 4 }, { a: 5 }]) expect(await r.get()).toEqual(value);
    there.close();
  });

  test('goes on in both directions as a duplex end', async () => {
    const [a, b] = channel<{ n: number }>({ duplex: true });
    await a.put({ n: 1 });
    await a.put({ n: 2 });
    await b.put({ n: 3 });
    expect(await b.get()).toEqual({ n: 1 });
    expect(await a.get()).toEqual({ n: 3 });
    const there = await carried(b);
    await there.put({ n: 4 });
    expect(await there.get()).toEqual({ n: 2 });
    expect(await a.get()).toEqual({ n: 4 });
    await a.put({ n: 5 });
    expect(await there.get()).toEqual({ n: 5 });
    for (const end of [a, there]) end.close();
  });

  test('keeps its options', async () => {
    const [r, w] = channel<unknown>({ encoder: 'json', decoder: 'json', maxFrameLength: 100, queueLimit: 1000 });
    const there = await carried({ r, w });
    await there.w.put(['as JSON']);
    expect(await there.r.get()).toEqual(['as JSON']);
    expect(await errorOf(there.w.put('x'.repeat(100)))).toBeInstanceOf(FrameTooLongError);
    for (const end of [there.r, there.w]) end.close();
  });

  test('keeps its limits, also of what it has read ahead', async () => {
    using pair = channel<unknown>({ limits: { nodes: 4 } });
    const [r, w] = pair;
    for (const value of ['taken', [1, 2, 3], [1, 2, 3, 4]]) void w.put(value);
    expect(await r.get()).toBe('taken');
    const there = await carried(r);
    expect(await there.get()).toEqual([1, 2, 3]);
    expect(await errorOf(there.get())).toMatchObject({ code: 'ERR_AIOPIPE_DECODE', fatal: true });
    there.close();
  });
});

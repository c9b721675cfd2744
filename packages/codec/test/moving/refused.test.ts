import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck } from '@aiopipe/testing';
import { aiopipe, BusyError, ClosedError, type ReadEnd, type WriteEnd } from '@aiopipe/core';
import { channel, ChannelReader, ChannelWriter, EncodeError, FrameTooLongError } from '@aiopipe/codec';
import { errorOf } from '../channel/helpers.js';
import { carried } from './helpers.js';

afterAll(leakCheck());

describe('what cannot move', () => {
  test('a handle in use is a BusyError, and nothing else of the message has moved', async () => {
    using pair = channel<unknown>();
    const [r, w] = pair;
    using gets = channel();
    using puts = channel<Buffer>();
    using opens = channel();
    const get = gets[0].get();
    const put = puts[1].put(Buffer.alloc(5_000_000));
    const [rx, tx] = aiopipe();
    const [rx2, tx2] = aiopipe();
    const writer = tx2.open();
    for (const busy of [gets[0], puts[1], tx2]) {
      const error = await errorOf(w.put([tx, opens[0], busy, { another: opens[1] }]));
      expect(error).toBeInstanceOf(BusyError);
      expect(error.message).toContain('refused.test.ts');
    }
    expect([rx.state, tx.state, tx2.state]).toEqual(['owned', 'owned', 'open']);
    expect(opens.map(({ isClosed }) => isClosed)).toEqual([false, false]);
    expect(r.tryGet()).toBeUndefined();
    await gets[1].put(1);
    expect(await get).toBe(1);
    expect(await puts[0].get()).toHaveLength(5_000_000);
    await put;
    const copy = await carried([gets[0], puts[1]]);
    for (const end of [...copy, rx, tx, rx2]) end.close();
    writer.destroy();
  });

  test('a closed or detached handle is a ClosedError', async () => {
    using pair = channel<unknown>();
    const [, w] = pair;
    const [rx, tx] = aiopipe();
    const [r2, w2] = channel();
    for (const end of [rx, r2, w2]) end.close();
    for (const gone of [rx, r2, w2]) expect(await errorOf(w.put({ gone }))).toBeInstanceOf(ClosedError);
    tx.detach(() => undefined);
    expect(await errorOf(w.put({ tx }))).toBeInstanceOf(ClosedError);
  });

  test('a message that cannot be encoded moves nothing, and the next one is right', async () => {
    using pair = channel<unknown>({ maxFrameLength: 10_000 });
    const [r, w] = pair;
    const [rx, tx] = aiopipe();
    const [r2, w2] = channel();
    expect(await errorOf(w.put({ tx, r2, bad: () => 1 }))).toBeInstanceOf(EncodeError);
    expect(await errorOf(w.put({ tx, r2, bad: Buffer.alloc(20_000) }))).toBeInstanceOf(FrameTooLongError);
    expect([tx.state, r2.isClosed]).toEqual(['owned', false]);
    await w.put({ tx, r2, bad: 'no more' });
    const copy = (await r.get()) as { tx: WriteEnd; r2: ChannelReader; bad: string };
    expect(copy.bad).toBe('no more');
    for (const end of [copy.tx, copy.r2, rx, w2]) end.close();
  });

  test('a handle that its own message closes moves nothing, and the next message is right', async () => {
    using pair = channel<unknown>();
    const [r, w] = pair;
    const [rx, tx] = aiopipe();
    const [r2, w2] = channel();
    const put = w.put({
      tx,
      rx,
      get trap() {
        tx.close();
        return 1;
      },
    });
    expect(await errorOf(put)).toBeInstanceOf(ClosedError);
    expect(rx.state).toBe('owned');
    await w.put({ tx: 1, rx, trap: r2 });
    const copy = (await r.get()) as { tx: number; rx: ReadEnd; trap: ChannelReader };
    expect(copy.tx).toBe(1);
    for (const end of [copy.rx, copy.trap, w2]) end.close();
  });

  test('a channel over itself is a BusyError', async () => {
    using pair = channel<unknown>({ duplex: true });
    const [a, b] = pair;
    void a.put('before');
    expect(await errorOf(a.put({ some: 'text', a }))).toBeInstanceOf(BusyError);
    await a.put('after');
    expect([await b.get(), await b.get()]).toEqual(['before', 'after']);
  });

  test('a channel with a function for a codec is a TypeError that names registerCodec', async () => {
    using pair = channel<unknown>();
    const [, w] = pair;
    using own = channel({ encoder: () => Buffer.of(1) });
    const error = await errorOf(w.put(own[1]));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain('registerCodec()');
    expect(own[1].isClosed).toBe(false);
  });

  test('a handle over a pipe is an EncodeError that names the path, and stays', async () => {
    const [rx, tx] = aiopipe();
    using r = ChannelReader.from(rx);
    using w = ChannelWriter.from(tx);
    const [rx2, tx2] = aiopipe();
    const error = await errorOf(w.put({ list: [1, { end: tx2 }] }));
    expect(error).toBeInstanceOf(EncodeError);
    expect(error).toMatchObject({ path: 'value.list[1].end' });
    expect(error.message).toMatch(/^value\.list\[1\]\.end: a handle can only be sent over a local socket/);
    expect(tx2.state).toBe('owned');
    await w.put('but this');
    expect(await r.get()).toBe('but this');
    for (const end of [rx2, tx2]) end.close();
  });
});

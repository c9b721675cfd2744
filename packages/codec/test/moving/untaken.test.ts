import { afterAll, describe, expect, test } from 'vitest';
import { fdsSince, leakCheck, openFds } from '@aiopipe/testing';
import { aioduplex, aiopipe, type WriteEnd } from '@aiopipe/core';
import { channel, ChannelReader, ChannelWriter, register } from '@aiopipe/codec';
import { errorOf, readerAndTap, wireOf } from '../channel/helpers.js';
import { text } from './helpers.js';

afterAll(leakCheck());

describe('handles that are not taken are closed', () => {
  test('when the peer closes before it gets them', async () => {
    const before = openFds();
    for (const close of [(r: ChannelReader) => r.close(), (r: ChannelReader) => r[Symbol.dispose]()]) {
      const [r, w] = channel<unknown>();
      const [rx, tx] = aiopipe();
      await w.put({ tx });
      close(r);
      expect(text(rx)).toBe('');
      for (const end of [rx, w]) end.close();
    }
    expect(fdsSince(before)).toEqual([]);
  });

  test('when the peer closes after it has read them ahead', async () => {
    const before = openFds();
    for (const close of [(r: ChannelReader) => r.close(), (r: ChannelReader) => r[Symbol.dispose]()]) {
      const [r, w] = channel<unknown>();
      const [rx, tx] = aiopipe();
      void w.put('plain');
      await w.put({ tx });
      expect(await r.get()).toBe('plain');
      close(r);
      for (const end of [rx, w]) end.close();
    }
    expect(fdsSince(before)).toEqual([]);
  });

  test('when the sender gives up before the kernel has them', async () => {
    const before = openFds();
    for (const isBroken of [true, false]) {
      const [r, w] = channel<unknown>();
      const [rx, tx] = aiopipe();
      const large = w.put(Buffer.alloc(5_000_000));
      const put = w.put({ tx });
      if (isBroken) r.close();
      else w[Symbol.dispose]();
      await Promise.all([errorOf(large), errorOf(put)]);
      for (const end of [r, w]) end[Symbol.dispose]();
      expect(text(rx)).toBe('');
      rx.close();
    }
    expect(fdsSince(before)).toEqual([]);
  });

  test('when the other end of a channel to nobody is put', async () => {
    const before = openFds();
    const [r, w] = channel<unknown>();
    r.close();
    const [rx, tx] = aiopipe();
    expect(await errorOf(w.put({ tx }))).toMatchObject({ code: 'EPIPE' });
    expect(tx.state).toBe('moved');
    expect(text(rx)).toBe('');
    for (const end of [rx, w]) end.close();
    expect(fdsSince(before)).toEqual([]);
  });

  test('if the decoder cannot make handles', async () => {
    const before = openFds();
    const [one, other] = aioduplex();
    using w = ChannelWriter.from<unknown>(one);
    using r = ChannelReader.from<Buffer>(other, { decoder: null });
    const [rx, tx] = aiopipe();
    await w.put({ tx });
    await w.put('next');
    await r.get();
    expect(text(rx)).toBe('');
    rx.close();
    await r.get();
    expect(fdsSince(before)).toHaveLength(2);
  });

  test('when their message says that there are more than came', async () => {
    const before = openFds();
    const [rx, tx] = aiopipe();
    const [frame] = (await wireOf({ tx })) as [Buffer];
    const { reader, tap, feed } = readerAndTap();
    feed(frame);
    expect(await errorOf(reader.get())).toMatchObject({ code: 'ERR_AIOPIPE_DECODE', fatal: true });
    expect(reader.isClosed).toBe(true);
    for (const end of [rx, tap]) end.close();
    expect(fdsSince(before)).toEqual([]);
  });

  test('when their message names an unknown class', async () => {
    class Unrevivable {
      constructor(readonly tx: WriteEnd) {}
    }
    const revive = (): Unrevivable => {
      throw new Error('never');
    };
    register(Unrevivable, { name: 'passing/Unrevivable', reduce: ({ tx }) => tx, revive });
    using pair = channel<unknown>();
    const [r, w] = pair;
    const [rx, tx] = aiopipe();
    await w.put([new Unrevivable(tx)]);
    expect(await errorOf(r.get())).toMatchObject({ fatal: false });
    expect(text(rx)).toBe('');
    rx.close();
    await w.put('next');
    expect(await r.get()).toBe('next');
  });
});

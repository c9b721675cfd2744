import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck } from '@aiopipe/testing';
import { aioduplex, aiopipe, BusyError, ClosedError, MovedError } from '@aiopipe/core';
import { Channel, ChannelReader, ChannelWriter } from '@aiopipe/codec';
import { frameOf, readerAndTap, thrownBy, turns } from './helpers.js';

afterAll(leakCheck());

describe('from', () => {
  test('puts messages over the two ends of a pipe, which have moved then', async () => {
    const [rx, tx] = aiopipe();
    using r = ChannelReader.from<string>(rx);
    using w = ChannelWriter.from<string>(tx);
    await w.put('over a pipe');
    expect(await r.get()).toBe('over a pipe');
    expect([rx.state, tx.state]).toEqual(['moved', 'moved']);
    expect(thrownBy(() => rx.fd)).toBeInstanceOf(MovedError);
    expect(thrownBy(() => rx.fd).message).toContain('a channel over it');
  });

  test('moves more than a pipe holds over a pipe', async () => {
    const [rx, tx] = aiopipe();
    using r = ChannelReader.from<Buffer>(rx);
    using w = ChannelWriter.from<Buffer>(tx);
    const put = w.put(Buffer.alloc(3_000_000, 'p'));
    expect((await r.get()).equals(Buffer.alloc(3_000_000, 'p'))).toBe(true);
    await put;
  });

  test('puts messages over duplex ends, one way or both', async () => {
    const [one, other] = aioduplex();
    using a = Channel.from(one, { encoder: 'json', decoder: 'json' });
    using b = Channel.from(other, { encoder: 'json', decoder: 'json' });
    await a.put([1]);
    expect(await b.get()).toEqual([1]);
    await b.put([2]);
    expect(await a.get()).toEqual([2]);

    const [third, fourth] = aioduplex();
    using r = ChannelReader.from(third);
    using w = ChannelWriter.from(fourth);
    await w.put('x');
    expect(await r.get()).toBe('x');
  });

  test('frames messages with their length in four bytes, big-endian', async () => {
    const { reader, tap, feed } = readerAndTap({ decoder: 'json' });
    feed(Buffer.from('\0\0\0\x0d{"any":"one"}'));
    expect(await reader.get()).toEqual({ any: 'one' });
    reader.close();
    tap.close();
  });

  test('takes frames however the bytes come', async () => {
    const { reader, tap, feed } = readerAndTap({ decoder: 'json' });
    const bytes = Buffer.concat([frameOf('1'), frameOf('"two"'), frameOf('[3]')]);
    const messages = [reader.get(), reader.get(), reader.get()];
    for (const byte of bytes) {
      feed(Buffer.of(byte));
      await turns(1);
    }
    expect(await Promise.all(messages)).toEqual([1, 'two', [3]]);
    reader.close();
    tap.close();
  });

  test('refuses what is no such end, and leaves it alone', () => {
    const [rx, tx] = aiopipe();
    const [one, other] = aioduplex();
    expect(thrownBy(() => Channel.from(rx as never)).message).toMatch(
      /^Channel.from: expected a DuplexEnd, not ReadEnd/,
    );
    expect(thrownBy(() => ChannelWriter.from(rx as never))).toBeInstanceOf(TypeError);
    expect(thrownBy(() => ChannelReader.from(tx as never))).toBeInstanceOf(TypeError);
    for (const nothing of [undefined, null, 3, {}, 'end']) {
      expect(thrownBy(() => ChannelReader.from(nothing as never))).toBeInstanceOf(TypeError);
    }
    expect(thrownBy(() => Channel.from(one, { encoder: 'no such codec' }))).toBeInstanceOf(TypeError);
    expect([rx, tx, one, other].map(({ state }) => state)).toEqual(Array(4).fill('owned'));
    for (const end of [rx, tx, one, other]) end.close();
  });

  test('refuses an end that is open or closed', async () => {
    const [rx, tx] = aiopipe();
    const reader = rx.open();
    expect(thrownBy(() => ChannelReader.from(rx))).toBeInstanceOf(BusyError);
    reader.close();
    expect(thrownBy(() => ChannelReader.from(rx))).toBeInstanceOf(ClosedError);
    tx.close();
  });
});

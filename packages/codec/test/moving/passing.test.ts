import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck, writeTo } from '@aiopipe/testing';
import { aioduplex, aiopipe, DuplexEnd, ReadEnd, WriteEnd } from '@aiopipe/core';
import { Channel, channel, ChannelReader, ChannelWriter, register } from '@aiopipe/codec';
import { isPending } from '../channel/helpers.js';
import { carried, text } from './helpers.js';

afterAll(leakCheck());

describe('handles in a message', () => {
  test('come out as what they are, over simplex and duplex channels', async () => {
    const [rx, tx] = aiopipe();
    const [one, other] = aioduplex();
    const [r, w] = channel();
    const [a, b] = channel({ duplex: true });
    const sent = [rx, tx, one, r, w, a];
    using pair = channel<unknown[]>({ duplex: true });
    await pair[1].put(sent);
    const came = (await pair[0].get()) as Disposable[];
    expect(came.map((handle) => handle.constructor)).toEqual([
      ...[ReadEnd, WriteEnd, DuplexEnd, ChannelReader, ChannelWriter, Channel],
    ]);
    for (const handle of [...came, other, b]) handle[Symbol.dispose]();
    const [rx2, tx2] = aiopipe();
    const copy = await carried({ rx2, tx2 });
    writeTo(copy.tx2.fd, 'through');
    expect(text(copy.rx2)).toBe('through');
    copy.rx2.close();
    copy.tx2.close();
  });

  test('stand anywhere in it: in arrays, maps, sets, errors, instances, pairs', async () => {
    class Job {
      constructor(readonly log: WriteEnd) {}
    }
    register(Job, { name: 'passing/Job', reduce: ({ log }) => ({ log }), revive: ({ log }) => new Job(log) });
    const pipes = Array.from({ length: 5 }, () => aiopipe());
    const at = (i: number) => (pipes[i] as [ReadEnd, WriteEnd])[1];
    const value = {
      map: new Map<string, unknown>([['deep', [{ tx: at(0) }]]]),
      set: new Set([at(1)]),
      error: new Error('with a cause', { cause: at(2) }),
      job: new Job(at(3)),
      sparse: Object.assign([], { 5: at(4) }) as unknown[],
      pair: [...channel()],
    };
    const copy = await carried(value);
    const ends = [
      (copy.map.get('deep') as { tx: WriteEnd }[])[0]?.tx,
      [...copy.set][0],
      copy.error.cause,
      copy.job.log,
      copy.sparse[5],
    ] as WriteEnd[];
    for (const [i, end] of ends.entries()) {
      writeTo(end.fd, `pipe ${String(i)}`);
      end.close();
      const [rx] = pipes[i] as [ReadEnd, WriteEnd];
      expect(text(rx)).toBe(`pipe ${String(i)}`);
      rx.close();
    }
    for (const end of copy.pair) end.close();
  });

  test('that stand in it twice come out as one', async () => {
    const [rx, tx] = aiopipe();
    const copy = await carried({ first: tx, list: [tx, { again: tx }] });
    expect(copy.list[0]).toBe(copy.first);
    expect((copy.list[1] as { again: WriteEnd }).again).toBe(copy.first);
    copy.first.close();
    expect(text(rx)).toBe('');
    rx.close();
  });

  test.each([252, 253, 254, 506, 507])('may be %i of them, each in its place', async (count) => {
    const pipes = Array.from({ length: count }, () => aiopipe());
    const copies = await carried(pipes.map(([, tx]) => tx));
    expect(copies).toHaveLength(count);
    for (const [i, copy] of copies.entries()) {
      const [rx] = pipes[i] as [ReadEnd, WriteEnd];
      writeTo(copy.fd, String(i));
      expect(text(rx)).toBe(String(i));
      rx.close();
      copy.close();
    }
  });

  test('may be 600 of them, more than one system call carries', async () => {
    const pipes = Array.from({ length: 600 }, () => aiopipe());
    using pair = channel<(ReadEnd | string)[]>();
    const [r, w] = pair;
    void w.put(['before']);
    void w.put(pipes.map(([rx]) => rx));
    void w.put(['after']);
    expect(await r.get()).toEqual(['before']);
    const ends = (await r.get()) as ReadEnd[];
    expect(await r.get()).toEqual(['after']);
    expect(ends).toHaveLength(600);
    for (const i of [0, 252, 253, 505, 506, 599]) {
      writeTo((pipes[i] as [ReadEnd, WriteEnd])[1].fd, `pipe ${String(i)}`);
      expect(text(ends[i] as ReadEnd)).toBe(`pipe ${String(i)}`);
    }
    for (const end of ends) end.close();
    for (const [, tx] of pipes) tx.close();
  });

  test('of many messages in one turn each come with their own', async () => {
    using pair = channel<{ i: number; tx?: WriteEnd }>();
    const [r, w] = pair;
    const pipes = Array.from({ length: 100 }, () => aiopipe());
    for (const [i, [, tx]] of pipes.entries()) void w.put(i % 3 === 0 ? { i } : { i, tx });
    for (const [i, [rx, tx]] of pipes.entries()) {
      const message = await r.get();
      expect(message.i).toBe(i);
      if (message.tx === undefined) tx.close();
      else {
        writeTo(message.tx.fd, String(i));
        expect(text(rx)).toBe(String(i));
        message.tx.close();
      }
      rx.close();
    }
  });

  test('wait with it in a pipe that is full, and arrive', async () => {
    using pair = channel<unknown>();
    const [r, w] = pair;
    const [rx, tx] = aiopipe();
    const large = w.put(Buffer.alloc(5_000_000));
    const put = w.put({ tx });
    expect(tx.state).toBe('moved');
    expect(await isPending(put)).toBe(true);
    await r.get();
    await Promise.all([large, put]);
    const copy = (await r.get()) as { tx: WriteEnd };
    copy.tx.close();
    expect(text(rx)).toBe('');
    rx.close();
  });

  test('go with a large message, whose bytes they do not outrun', async () => {
    using pair = channel<{ bytes: Buffer; tx: WriteEnd }>();
    const [r, w] = pair;
    const [rx, tx] = aiopipe();
    const [rx2, tx2] = aiopipe();
    const puts = [
      w.put({ bytes: Buffer.alloc(4_000_000, 1), tx }),
      w.put({ bytes: Buffer.alloc(4_000_000, 2), tx: tx2 }),
    ];
    for (const rest of [rx, rx2]) {
      const message = await r.get();
      message.tx.close();
      expect(text(rest)).toBe('');
      rest.close();
    }
    await Promise.all(puts);
  });
});

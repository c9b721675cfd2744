import { getEventListeners } from 'node:events';
import { afterAll, describe, expect, test } from 'vitest';
import { fdsSince, leakCheck, openFds, runFixture } from '@aiopipe/testing';
import { aiopipe, BrokenPipeError, BusyError, ClosedError, IncompleteReadError, TimeoutError } from '@aiopipe/core';
import { channel, ChannelWriter, EncodeError, EndOfStreamError, QueueFullError } from '@aiopipe/codec';
import { errorOf, fill, frameOf, isPending, readerAndTap, thrownBy } from './helpers.js';

afterAll(leakCheck());

describe('close', () => {
  test('closes the descriptor; after it every call is a ClosedError that names the handle', async () => {
    const before = openFds();
    const [r, w] = channel();
    const [a, b] = channel({ duplex: true });
    const ends = [r, w, a, b];
    for (const end of ends) end.close();
    expect(fdsSince(before)).toEqual([]);
    expect(ends.map(({ isClosed }) => isClosed)).toEqual([true, true, true, true]);

    const errors = await Promise.all([
      ...[r.get(), w.put(1), w.drain(), a.get(), a.put(1), a.drain()].map(errorOf),
      ...[() => r.tryGet(), () => a.tryGet(), ...ends.map((end) => () => end.close())].map(thrownBy),
      errorOf(r[Symbol.asyncIterator]().next()),
    ]);
    for (const error of errors) {
      expect(error).toBeInstanceOf(ClosedError);
      expect(error.code).toBe('ERR_AIOPIPE_CLOSED');
      expect(error.message).toMatch(/channel (reader|writer|end) made at .*close\.test\.ts:\d+:\d+ is closed/);
    }
    for (const end of ends) end[Symbol.dispose]();
  });

  test('flushes what was put before, without an await', async () => {
    const [r, w] = channel();
    void w.put('one');
    void w.put('two');
    w.close();
    expect([await r.get(), await r.get()]).toEqual(['one', 'two']);
    expect(await errorOf(r.get())).toBeInstanceOf(EndOfStreamError);
    r.close();
  });

  test('while a get waits is a BusyError, and the get goes on', async () => {
    using pair = channel();
    const [r, w] = pair;
    const waiting = r.get();
    expect(thrownBy(() => r.close())).toBeInstanceOf(BusyError);
    await w.put('still here');
    expect(await waiting).toBe('still here');
    r.close();
  });

  test('while a put waits is a BusyError, and the put goes on', async () => {
    using pair = channel<Buffer>();
    const [r, w] = pair;
    const waiting = w.put(Buffer.alloc(5_000_000));
    expect(thrownBy(() => w.close())).toBeInstanceOf(BusyError);
    expect(await r.get()).toHaveLength(5_000_000);
    await waiting;
    w.close();
  });

  test('while a message is unsent is a BusyError, even if its put is not awaited any more', async () => {
    using pair = channel<Buffer>();
    const [r, w] = pair;
    const error = await errorOf(w.put(Buffer.alloc(5_000_000), { timeout: 1 }));
    expect(error).toBeInstanceOf(TimeoutError);
    expect(thrownBy(() => w.close())).toBeInstanceOf(BusyError);
    expect(await r.get()).toHaveLength(5_000_000);
    await w.drain();
    w.close();
  });

  test('of a duplex channel while its other direction waits is a BusyError', async () => {
    using pair = channel({ duplex: true });
    const [a, b] = pair;
    const waiting = a.get();
    expect(thrownBy(() => a.close())).toBeInstanceOf(BusyError);
    void b.put(1);
    await waiting;
  });
});

describe('disposal', () => {
  test('always closes, and what waits rejects ClosedError', async () => {
    const before = openFds();
    const [a, b] = channel<Buffer>({ duplex: true });
    const gets = [a.get(), a.get()];
    const puts = [a.put(Buffer.alloc(5_000_000)), a.put(Buffer.alloc(10)), a.drain()];
    a[Symbol.dispose]();
    for (const promise of [...gets, ...puts]) expect(await errorOf(promise)).toBeInstanceOf(ClosedError);
    b[Symbol.dispose]();
    expect(fdsSince(before)).toEqual([]);
  });

  test('flushes what the kernel takes, more than one turn’s share too', async () => {
    const [r, w] = channel<Buffer>();
    {
      using _ = w;
      for (let i = 0; i < 3; i++) void w.put(Buffer.alloc(100_000, i));
    }
    for (let i = 0; i < 3; i++) expect((await r.get()).equals(Buffer.alloc(100_000, i))).toBe(true);
    expect(await errorOf(r.get())).toBeInstanceOf(EndOfStreamError);
    r.close();
  });

  test('within the making of a message refuses that message alone', async () => {
    const [r, w] = channel();
    await w.put('before');
    const put = w.put({
      get trap() {
        w[Symbol.dispose]();
        return 1;
      },
    });
    expect(await errorOf(put)).toBeInstanceOf(ClosedError);
    expect(await r.get()).toBe('before');
    expect(await errorOf(r.get())).toBeInstanceOf(EndOfStreamError);
    r.close();
  });

  test('leaves no listener on a signal', async () => {
    const [r, w] = channel<Buffer>();
    const { signal } = new AbortController();
    const waiting = [r.get({ signal })];
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    for (const end of [w, r]) end[Symbol.dispose]();
    await Promise.allSettled(waiting);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});

describe('a peer that has closed', () => {
  test('gives what it had sent, then EndOfStreamError, every time', async () => {
    const [r, w] = channel();
    await w.put('last');
    const gets = [r.get(), r.get(), r.get()];
    w.close();
    expect(await gets[0]).toBe('last');
    for (const get of [...gets.slice(1), r.get()]) {
      expect(await errorOf(get)).toMatchObject({ name: 'EndOfStreamError', code: 'ERR_AIOPIPE_END_OF_STREAM' });
    }
    r.close();
  });

  test('gives what it had sent even if it left messages of ours unread', async () => {
    const [a, b] = channel({ duplex: true });
    await a.put('never read');
    await b.put('sent before');
    b.close();
    expect(await a.get()).toBe('sent before');
    expect(await errorOf(a.get())).toBeInstanceOf(EndOfStreamError);
    a.close();
  });

  test('inside a message gives IncompleteReadError with what had come', async () => {
    for (const cut of [1, 4, 8]) {
      const { reader, tap, feed } = readerAndTap({ decoder: 'json' });
      feed(frameOf('"whole"'));
      feed(frameOf('"never whole"').subarray(0, cut));
      tap.close();
      expect(await reader.get()).toBe('whole');
      const error = await errorOf(reader.get());
      expect(error).toBeInstanceOf(IncompleteReadError);
      expect(error).toMatchObject({ partial: frameOf('"never whole"').subarray(0, cut) });
      expect(await errorOf(reader.get())).toBeInstanceOf(IncompleteReadError);
      reader.close();
    }
  });

  test('gives BrokenPipeError for a put, and for each one after that', async () => {
    const [r, w] = channel();
    r.close();
    for (const call of [() => w.put('x'), () => w.put('y'), () => w.drain()]) {
      const error = await errorOf(call());
      expect(error).toBeInstanceOf(BrokenPipeError);
      expect(error.code).toBe('EPIPE');
      expect(error.message).toContain('channel writer made at');
    }
    w.close();
    expect(await errorOf(w.put('z'))).toBeInstanceOf(ClosedError);
  });

  test('ends puts that wait, with BrokenPipeError', async () => {
    const [r, w] = channel<Buffer>();
    const puts = [w.put(Buffer.alloc(5_000_000)), w.put(Buffer.alloc(5))];
    expect(await isPending(Promise.race(puts))).toBe(true);
    r.close();
    for (const put of puts) expect(await errorOf(put)).toBeInstanceOf(BrokenPipeError);
    w.close();
  });

  test('of a pipe gives BrokenPipeError too', async () => {
    const [rx, tx] = aiopipe();
    using w = ChannelWriter.from(tx);
    rx.close();
    expect(await errorOf(w.put('x'))).toBeInstanceOf(BrokenPipeError);
  });

  test('still takes what comes from the other direction', async () => {
    const [a, b] = channel({ duplex: true });
    await b.put('first');
    b.close();
    expect(await errorOf(a.put('x'))).toBeInstanceOf(BrokenPipeError);
    expect(await a.get()).toBe('first');
    a.close();
  });
});

describe('a put that is not awaited', () => {
  test('does not end the program when it fails, and the next call tells', async () => {
    const result = await runFixture('puts-to-nobody');
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toBe('ERR_AIOPIPE_ENCODE ERR_AIOPIPE_QUEUE_FULL EPIPE EPIPE ERR_AIOPIPE_CLOSED\n');
  });

  test('is refused with QueueFullError once the limit is reached, and taken again after a drain', async () => {
    using pair = channel<Buffer>({ queueLimit: 100_000 });
    const [r, w] = pair;
    const { waiting: full } = await fill(w, Buffer.alloc(50_000));
    const more: Promise<void>[] = [];
    let refused: Error | undefined;
    for (let i = 0; i < 4; i++) more.push(w.put(Buffer.alloc(50_000)));
    await Promise.all(more.splice(2).map((put) => put.catch((error: unknown) => (refused = error as Error))));
    expect(refused).toBeInstanceOf(QueueFullError);
    expect(refused?.message).toMatch(/await each put/);
    const drained = w.drain();
    const taken = (async () => {
      for await (const message of r) if (message.length === 2) break;
    })();
    await Promise.all([full, ...more.map((put) => put.catch(() => undefined)), drained]);
    await w.put(Buffer.alloc(2));
    await taken;
  });

  test('may be larger than the limit if nothing is queued', async () => {
    using pair = channel<Buffer>({ queueLimit: 1000 });
    const [r, w] = pair;
    const put = w.put(Buffer.alloc(3_000_000));
    expect(await r.get()).toHaveLength(3_000_000);
    await put;
  });
});

describe('a call on a channel from within one of its own messages', () => {
  test('put is refused, and the message is whole', async () => {
    using pair = channel<unknown>();
    const [r, w] = pair;
    const refused: Promise<unknown>[] = [];
    await w.put({
      get inner() {
        refused.push(errorOf(w.put('inside')));
        return 'value';
      },
    });
    expect(await refused[0]).toBeInstanceOf(EncodeError);
    expect(await r.get()).toEqual({ inner: 'value' });
    await w.put('after');
    expect(await r.get()).toBe('after');
  });

  test('put is refused in an encoder, too', async () => {
    let inner: Promise<unknown> | undefined;
    const encoder = (value: unknown) => {
      if (value === 'outer') inner = errorOf(w.put('inner'));
      return Buffer.from(JSON.stringify(value));
    };
    using pair = channel<unknown>({ encoder, decoder: 'json' });
    const [r, w] = pair;
    await w.put('outer');
    expect(await inner).toBeInstanceOf(EncodeError);
    expect(await r.get()).toBe('outer');
    expect(r.tryGet()).toBeUndefined();
  });

  test('close is a BusyError, and drain sends nothing half', async () => {
    using pair = channel<unknown>();
    const [r, w] = pair;
    void w.put('before');
    const errors: unknown[] = [];
    await w.put({
      get inner() {
        errors.push(thrownBy(() => w.close()));
        void w.drain();
        return 1;
      },
    });
    expect(errors[0]).toBeInstanceOf(BusyError);
    expect([await r.get(), await r.get()]).toEqual(['before', { inner: 1 }]);
  });

  test('get in a decoder takes the next message', async () => {
    const inner: Promise<unknown>[] = [];
    const decoder = (bytes: Buffer) => {
      const value = JSON.parse(bytes.toString()) as unknown;
      if (value === 'first') inner.push(r.get());
      return value;
    };
    using pair = channel<unknown>({ encoder: 'json', decoder });
    const [r, w] = pair;
    await w.put('first');
    await w.put('second');
    expect(await r.get()).toBe('first');
    expect(await inner[0]).toBe('second');
  });
});

import { once } from 'node:events';
import { readSync, writeSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { afterAll, describe, expect, test } from 'vitest';
import { fdsSince, fixture, leakCheck, openFds } from '@aiopipe/testing';
import { aioduplex, aiopipe, BusyError, ClosedError, DuplexEnd, MovedError, ReadEnd, WriteEnd } from '@aiopipe/core';
import { Channel, channel, ChannelReader, ChannelWriter, EncodeError, register, registerCodec } from '@aiopipe/codec';
import { EndOfStreamError, FrameTooLongError } from '@aiopipe/codec';
import { errorOf, frameOf, isPending, readerAndTap, thrownBy, turns, wireOf } from './channel-helpers.js';

afterAll(leakCheck());

registerCodec('of-this-process', { encode: (value) => Buffer.from(String(value)), decode: String });

/** A carrier in this process: what is sent comes back as the other side would get it. */
async function carried<T>(value: T): Promise<T> {
  using pair = channel<T>();
  const [r, w] = pair;
  await w.put(value);
  return r.get();
}

/** A process that runs and waits for messages, for the time of `use`. */
async function withChild(use: (control: Channel) => Promise<void>): Promise<void> {
  const [ours, theirs] = aioduplex({ bufferSize: 1 << 20 });
  const child = theirs.detach((lent) =>
    spawn(process.execPath, [fixture('relays-messages'), 'child'], {
      stdio: ['ignore', 'inherit', 'inherit', lent.fd],
    }),
  );
  const ended = once(child, 'close');
  {
    using control = Channel.from(ours);
    await use(control);
  }
  expect(await ended).toEqual([0, null]);
}

function text(end: ReadEnd): string {
  const bytes = Buffer.alloc(1000);
  return bytes.toString('utf8', 0, readSync(end.fd, bytes));
}

describe('every kind of handle goes to a process that is running already', () => {
  test('in one conversation with it', async () => {
    await withChild(async (control) => {
      const send = (handle: unknown) => control.put({ path: [], handle });

      const [rx, tx] = aiopipe();
      await send(rx);
      writeSync(tx.fd, 'for the child');
      tx.close();
      expect(await control.get()).toBe('for the child');

      const [rx2, tx2] = aiopipe();
      await send(tx2);
      expect(await control.get()).toBe('WriteEnd');
      expect(text(rx2)).toBe('written by child');
      expect(text(rx2)).toBe('');
      rx2.close();

      const [one, other] = aioduplex();
      await send(one);
      {
        await using stream = other.open();
        await stream.writer.write('louder\n');
        expect((await stream.reader.readLine()).toString()).toBe('LOUDER\n');
      }
      expect(await control.get()).toBe('DuplexEnd');

      const [r, w] = channel();
      await w.put(1);
      await send(r);
      await w.put({ two: 2 });
      w.close();
      expect(await control.get()).toEqual([1, { two: 2 }]);

      const [r2, w2] = channel();
      await send(w2);
      expect(await r2.get()).toEqual({ by: 'child', path: ['child'] });
      expect(await errorOf(r2.get())).toBeInstanceOf(EndOfStreamError);
      expect(await control.get()).toBe('ChannelWriter');
      r2.close();

      const [a, b] = channel({ duplex: true });
      await send(b);
      await a.put('question');
      expect(await a.get()).toEqual({ answer: 'question', path: ['child'] });
      a.close();
      expect(await control.get()).toBe('Channel');
    });
  });

  test('and one that it cannot make again rejects that get alone', async () => {
    await withChild(async (control) => {
      const [r, w] = channel({ encoder: 'of-this-process', decoder: 'of-this-process' });
      await control.put({ path: [], handle: r, newShape: { inner: 1 } });
      expect(await control.get()).toMatchObject({
        code: 'ERR_AIOPIPE_DECODE',
        message: expect.stringMatching(/ChannelReader .* can't be made again: .*of-this-process/) as unknown,
      });
      // The child has closed it, and knows the shapes of that message all the same.
      expect(await errorOf(w.put('x'))).toMatchObject({ code: 'EPIPE' });
      w.close();
      const [rx, tx] = aiopipe();
      tx.close();
      await control.put({ path: [], handle: rx, newShape: { inner: 2 } });
      expect(await control.get()).toBe('');
    });
  });

  test('and an end that five processes have passed on still talks to its peer', async () => {
    const names = ['one', 'two', 'three', 'four', 'five'];
    const links = names.map(() => aioduplex({ bufferSize: 1 << 20 }));
    const children = names.map((name, i) => {
      const [, source] = links[i] as [DuplexEnd, DuplexEnd];
      const next = links[i + 1]?.[0];
      using lent = source.detach();
      using lentNext = next?.detach();
      return spawn(process.execPath, [fixture('relays-messages'), name, ...(next ? ['on'] : [])], {
        stdio: ['ignore', 'inherit', 'inherit', lent.fd, ...(lentNext ? [lentNext.fd] : [])],
      });
    });
    const ended = children.map((child) => once(child, 'close'));
    {
      using control = Channel.from((links[0] as [DuplexEnd, DuplexEnd])[0]);
      const [near, far] = channel({ duplex: true });
      await near.put('asked before it left');
      await control.put({ path: ['here'], handle: far });
      await near.put('asked after');
      for (const question of ['asked before it left', 'asked after']) {
        expect(await near.get()).toEqual({ answer: question, path: ['here', ...names] });
      }
      near.close();
    }
    for (const end of ended) expect(await end).toEqual([0, null]);
  });
});

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
    writeSync(copy.tx2.fd, 'through');
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
      writeSync(end.fd, `pipe ${String(i)}`);
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
      writeSync((pipes[i] as [ReadEnd, WriteEnd])[1].fd, `pipe ${String(i)}`);
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
        writeSync(message.tx.fd, String(i));
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
      expect(error.message).toMatch(/made at .* handed to the peer of the channel writer made at .*passing\.test\.ts/);
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
    writeSync(copy.tx.fd, 'still here');
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
});

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
      expect(error.message).toContain('passing.test.ts');
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

  test('a handle over a pipe is an EncodeError, and stays', async () => {
    const [rx, tx] = aiopipe();
    using r = ChannelReader.from(rx);
    using w = ChannelWriter.from(tx);
    const [rx2, tx2] = aiopipe();
    const error = await errorOf(w.put({ tx2 }));
    expect(error).toBeInstanceOf(EncodeError);
    expect(error.message).toContain('socket');
    expect(tx2.state).toBe('owned');
    await w.put('but this');
    expect(await r.get()).toBe('but this');
    for (const end of [rx2, tx2]) end.close();
  });
});

describe('handles that nobody takes are closed', () => {
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

  test('when they come where the decoder knows no handles', async () => {
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

test('a receiver at its limit of open files closes the channel with an error that says so', async () => {
  const [ours, theirs] = aioduplex({ bufferSize: 1 << 20 });
  const child = theirs.detach((lent) =>
    spawn('sh', ['-c', 'ulimit -n 40; exec "$@"', 'sh', process.execPath, fixture('has-few-descriptors')], {
      stdio: ['ignore', 'pipe', 'inherit', lent.fd],
    }),
  );
  const ended = once(child, 'close');
  let printed = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (printed += chunk));
  using control = Channel.from(ours);
  expect(await control.get()).toBe('ready');
  await control.put('go');
  const pipes = Array.from({ length: 40 }, () => aiopipe());
  await control.put(pipes.map(([, tx]) => tx));
  expect(await ended).toEqual([0, null]);
  const [first, second, third, ...rest] = printed.trim().split('\n');
  expect(first).toMatch(/^EMFILE .*handles that were sent here could not be taken.*ulimit -n/);
  for (const line of [second, third]) expect(line).toMatch(/^ERR_AIOPIPE_CLOSED .*ulimit -n/);
  expect(rest).toEqual(['closed: true', 'descriptors: -1']);
  expect(await errorOf(control.get())).toBeInstanceOf(EndOfStreamError);
  for (const [rx] of pipes) {
    expect(text(rx)).toBe('');
    rx.close();
  }
  await turns();
});

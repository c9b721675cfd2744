import { getEventListeners } from 'node:events';
import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck } from '@aiopipe/testing';
import { AbortError, TimeoutError } from '@aiopipe/core';
import { channel } from '@aiopipe/codec';
import { errorOf, fill, frameOf, isPending, readerAndTap, takeMany, turns } from './helpers.js';

afterAll(leakCheck());

const LARGE = Buffer.alloc(5_000_000, 'L');

describe('backpressure', () => {
  test('a put waits while the pipe is full, and resolves when the kernel has it', async () => {
    using pair = channel<Buffer>();
    const [r, w] = pair;
    const { waiting } = await fill(w, Buffer.alloc(100_000));
    let taken = 0;
    let isDone = false;
    void waiting.then(() => {
      isDone = true;
    });
    while (!isDone) {
      await r.get();
      taken++;
    }
    expect(taken).toBeGreaterThan(0);
  });

  test('a put resolves before a reader gets its message', async () => {
    using pair = channel<Buffer>();
    const [, w] = pair;
    await w.put(Buffer.alloc(10_000));
    await w.put(Buffer.alloc(10_000), { timeout: 1000 });
  });

  test('a put of a large message resolves once its last byte is with the kernel', async () => {
    using pair = channel<Buffer>();
    const [r, w] = pair;
    const put = w.put(LARGE);
    const small = w.put(Buffer.of(1));
    expect(await isPending(put)).toBe(true);
    expect(await r.get()).toHaveLength(LARGE.length);
    await put;
    await small;
    expect(await r.get()).toHaveLength(1);
  });

  test('a put with a timeout is not kept waiting by those after it', async () => {
    using pair = channel<Buffer>();
    const [r, w] = pair;
    const { waiting: full } = await fill(w, Buffer.alloc(100_000));
    void w.put(Buffer.of(1));
    const ours = w.put(Buffer.of(2), { timeout: 20_000 });
    for (let i = 0; i < 3; i++) void w.put(LARGE);
    let isOurs = false;
    void ours.then(() => {
      isOurs = true;
    });
    for (;;) {
      const message = await r.get();
      if (message.length === 1 && message[0] === 2) break;
    }
    await turns();
    expect(isOurs).toBe(true);
    await full;
    await takeMany(r, 3);
  });

  test('drain resolves when the kernel has all, at once if nothing is unsent', async () => {
    using pair = channel<Buffer>();
    const [r, w] = pair;
    await w.drain();
    void w.put(Buffer.of(1));
    await w.drain();
    void w.put(LARGE);
    const drained = w.drain();
    expect(await isPending(drained)).toBe(true);
    await takeMany(r, 2);
    await drained;
  });
});

describe('a get that timed out or was aborted', () => {
  test('rejects and takes nothing: the next get has the message', async () => {
    using pair = channel<string>();
    const [r, w] = pair;
    const late = await errorOf(r.get({ timeout: 5 }));
    expect(late).toBeInstanceOf(TimeoutError);
    expect(late.code).toBe('ERR_AIOPIPE_TIMEOUT');
    expect(late.message).toMatch(/channel reader made at .* no message came within 5 ms/);
    const controller = new AbortController();
    const get = r.get({ signal: controller.signal });
    controller.abort('enough');
    expect(await errorOf(get)).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR', cause: 'enough' });
    await w.put('kept');
    expect(await r.get()).toBe('kept');
  });

  test('leaves the others their order', async () => {
    using pair = channel<number>();
    const [r, w] = pair;
    const controller = new AbortController();
    const gets = [r.get(), r.get({ signal: controller.signal }), r.get()];
    controller.abort();
    expect(await errorOf(gets[1] as Promise<number>)).toBeInstanceOf(AbortError);
    await w.put(1);
    await w.put(2);
    expect([await gets[0], await gets[2]]).toEqual([1, 2]);
  });

  test('takes nothing of a message of which half has come', async () => {
    const { reader, tap, feed } = readerAndTap({ decoder: 'json' });
    const frame = frameOf(JSON.stringify('x'.repeat(100_000)));
    feed(frame.subarray(0, 50_000));
    expect(await errorOf(reader.get({ timeout: 5 }))).toBeInstanceOf(TimeoutError);
    feed(frame.subarray(50_000));
    expect(await reader.get()).toBe('x'.repeat(100_000));
    reader.close();
    tap.close();
  });

  test('takes nothing if the message and the abort come in one turn', async () => {
    using pair = channel<number>();
    const [r, w] = pair;
    for (let i = 0; i < 50; i++) {
      const controller = new AbortController();
      const get = r.get({ signal: controller.signal }).catch(() => undefined);
      await w.put(i);
      if (i % 2 === 0) controller.abort();
      else setImmediate(() => controller.abort());
      const value = await get;
      expect(value ?? (await r.get())).toBe(i);
    }
  });

  test('takes nothing if it was the message’s decoding that aborted it', async () => {
    const controller = new AbortController();
    const decoder = (bytes: Buffer) => {
      controller.abort();
      return bytes.toString();
    };
    using pair = channel<string>({ encoder: (text: string) => Buffer.from(text), decoder });
    const [r, w] = pair;
    const get = r.get({ signal: controller.signal });
    for (const text of ['kept', 'next']) await w.put(text);
    expect(await errorOf(get)).toBeInstanceOf(AbortError);
    expect([await r.get(), r.tryGet()?.value]).toEqual(['kept', 'next']);
  });

  test('is refused at once if the signal was aborted before, though a message is there', async () => {
    using pair = channel<string>();
    const [r, w] = pair;
    await w.put('there');
    expect(await errorOf(r.get({ signal: AbortSignal.abort() }))).toBeInstanceOf(AbortError);
    expect(await errorOf(r.get({ timeout: -1 }))).toBeInstanceOf(TypeError);
    expect(await errorOf(r.get({ timeout: '5' as never }))).toBeInstanceOf(TypeError);
    expect(await errorOf(r.get({ signal: {} as never }))).toBeInstanceOf(TypeError);
    expect(await r.get({ timeout: 0 })).toBe('there');
  });

  test('leaves no listener on its signal, however it ended', async () => {
    using pair = channel();
    const [r, w] = pair;
    const { signal } = new AbortController();
    const get = r.get({ signal, timeout: 60_000 });
    await w.put(1);
    await get;
    await errorOf(r.get({ signal, timeout: 1 }));
    await w.put(1, { signal, timeout: 60_000 });
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});

describe('a put that timed out or was aborted', () => {
  test('ends the wait, never the message', async () => {
    using pair = channel<Buffer>();
    const [r, w] = pair;
    const late = await errorOf(w.put(LARGE, { timeout: 5 }));
    expect(late).toBeInstanceOf(TimeoutError);
    expect(late.message).toMatch(/stays queued/);
    const controller = new AbortController();
    const put = w.put(Buffer.from('behind it'), { signal: controller.signal });
    controller.abort();
    expect(await errorOf(put)).toBeInstanceOf(AbortError);
    expect((await r.get()).equals(LARGE)).toBe(true);
    expect((await r.get()).toString()).toBe('behind it');
  });

  test('leaves the others their wait', async () => {
    using pair = channel<Buffer>();
    const [r, w] = pair;
    const first = w.put(LARGE);
    const late = errorOf(w.put(LARGE, { timeout: 1 }));
    const third = w.put(LARGE);
    expect(await late).toBeInstanceOf(TimeoutError);
    expect(await isPending(Promise.race([first, third]))).toBe(true);
    await takeMany(r, 3);
    await Promise.all([first, third]);
  });

  test('is refused with its message if the signal was aborted before', async () => {
    using pair = channel<string>();
    const [r, w] = pair;
    expect(await errorOf(w.put('never', { signal: AbortSignal.abort() }))).toBeInstanceOf(AbortError);
    expect(await errorOf(w.put('never', { timeout: NaN }))).toBeInstanceOf(TypeError);
    await w.put('sent');
    expect(await r.get()).toBe('sent');
  });

  test('of a drain ends the wait alone', async () => {
    using pair = channel<Buffer>();
    const [r, w] = pair;
    const put = w.put(LARGE);
    expect(await errorOf(w.drain({ timeout: 1 }))).toBeInstanceOf(TimeoutError);
    await r.get();
    await put;
  });
});

test('a flood of messages leaves timers their turn', async () => {
  using pair = channel<Buffer>({ encoder: null, decoder: null });
  const [r, w] = pair;
  let isOver = false;
  let fired = false;
  const timer = setTimeout(() => {
    fired = true;
    isOver = true;
  }, 1);
  const puts = (async () => {
    while (!isOver) await w.put(Buffer.alloc(10_000));
    await w.put(Buffer.alloc(1));
  })();
  for (let count = 0; count < 1_000_000; count++) if ((await r.get()).length === 1) break;
  isOver = true;
  await puts;
  clearTimeout(timer);
  expect(fired).toBe(true);
});

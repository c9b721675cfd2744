import { setTimeout as delay } from 'node:timers/promises';
import { getEventListeners } from 'node:events';
import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck } from '@aiopipe/testing';
import { AbortError, TimeoutError, aiopipe, type PipeReader, type WaitOptions } from '@aiopipe/core';
import { errorOf, isPending, readerAndTap } from '../helpers.js';

afterAll(leakCheck());

const waits: [string, (reader: PipeReader, options: WaitOptions) => Promise<unknown>][] = [
  ['read(size)', (reader, options) => reader.read(10, options)],
  ['read()', (reader, options) => reader.read(undefined, options)],
  ['readExactly', (reader, options) => reader.readExactly(10, options)],
  ['readLine', (reader, options) => reader.readLine(options)],
  ['readUntil', (reader, options) => reader.readUntil(';', options)],
  ['lines', (reader, options) => reader.lines(options).next()],
];

describe.each(waits)('a wait in %s', (name, wait) => {
  const early = name === 'read(size)' ? '' : 'early ';

  test('ends at its timeout, and the next read gets every byte', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    feed(early);
    const error = await errorOf(wait(reader, { timeout: 10 }));
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT', name: 'TimeoutError' });
    expect(error.message).toMatch(/read end made at .* within 10 ms/);
    feed('late');
    tx.close();
    expect((await reader.read()).toString()).toBe(`${early}late`);
  });

  test('ends when its signal is aborted, and the next read gets every byte', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    feed(early);
    const controller = new AbortController();
    const waiting = wait(reader, { signal: controller.signal });
    expect(await isPending(waiting)).toBe(true);
    const reason = new Error('changed my mind');
    controller.abort(reason);
    const error = await errorOf(waiting);
    expect(error).toBeInstanceOf(AbortError);
    expect(error).toMatchObject({ code: 'ABORT_ERR', name: 'AbortError', cause: reason });
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    feed('late');
    tx.close();
    expect((await reader.read()).toString()).toBe(`${early}late`);
  });

  test('does not begin if its signal is aborted already, though bytes are there', async () => {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    feed('there;\n0123456789');
    expect(await errorOf(wait(reader, { signal: AbortSignal.abort('gone') }))).toMatchObject({
      code: 'ABORT_ERR',
      cause: 'gone',
    });
    tx.close();
    expect((await reader.read()).toString()).toBe('there;\n0123456789');
  });

  test.each([
    { timeout: -1 },
    { timeout: NaN },
    { timeout: '5' as unknown as number },
    { timeout: null as unknown as number },
    { signal: {} as AbortSignal },
    { signal: 'stop' as unknown as AbortSignal },
    5 as unknown as WaitOptions,
    null as unknown as WaitOptions,
  ])('refuses %j', async (options) => {
    const { reader, tx } = readerAndTap();
    using _reader = reader;
    expect(await errorOf(Promise.resolve().then(() => wait(reader, options)))).toBeInstanceOf(TypeError);
    tx.close();
  });
});

test('waits that succeeded leave no timers and no listeners behind', async () => {
  const { reader, tx, feed } = readerAndTap();
  using _reader = reader;
  const { signal } = new AbortController();
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const [waits, before] = [20, timers()];
  for (let n = 0; n < waits; n++) {
    const there = timers();
    const waiting = reader.read(1, { signal, timeout: 60_000 });
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    expect(timers()).toBe(there + 1);
    feed('x');
    await waiting;
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  }
  // The test runner has some of its own, which come and go meanwhile.
  expect(timers()).toBeLessThan(before + waits / 2);
  tx.close();
});

test.each([Infinity, 2 ** 31, 1e12])('a timeout of %s does not come at once', async (timeout) => {
  const { reader, tx, feed } = readerAndTap();
  using _reader = reader;
  const waiting = reader.read(1, { timeout });
  await delay(10); // for a timer of 1 ms, which is what Node makes of a number that it can't hold
  expect(await isPending(waiting)).toBe(true);
  feed('x');
  expect((await waiting).toString()).toBe('x');
  tx.close();
});

test('a timeout of 0 gives what is there, and does not wait', async () => {
  const { reader, tx, feed } = readerAndTap();
  using _reader = reader;
  feed('x');
  expect((await reader.read(1, { timeout: 0 })).toString()).toBe('x');
  expect((await errorOf(reader.read(1, { timeout: 0 }))).code).toBe('ERR_AIOPIPE_TIMEOUT');
  tx.close();
});

test('what comes in the turn of the timeout is not lost', async () => {
  for (let round = 0; round < 30; round++) {
    const { reader, tx, feed } = readerAndTap();
    using _reader = reader;
    const waiting = reader.read(10, { timeout: 2 }).then(String, () => '');
    await delay(2);
    feed('bytes');
    tx.close();
    const first = await waiting;
    expect(first + String(await reader.read())).toBe('bytes');
  }
});

describe('a write that waits', () => {
  test('is ended by a timeout or an abort, the writing is not', async () => {
    const [rx, tx] = aiopipe({ capacity: 4096 });
    await using reader = rx.open();
    await using writer = tx.open();
    const bytes = Buffer.alloc(100_000, 'w');
    const controller = new AbortController();
    const timedOut = writer.write(bytes, { timeout: 5 });
    const aborted = writer.write('tail', { signal: controller.signal });
    const drained = writer.drain({ signal: controller.signal });
    controller.abort('enough');
    expect(await errorOf(timedOut)).toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
    expect(await errorOf(aborted)).toMatchObject({ code: 'ABORT_ERR', cause: 'enough' });
    expect(await errorOf(drained)).toMatchObject({ code: 'ABORT_ERR', cause: 'enough' });
    const read = reader.read();
    await writer.close();
    expect((await read).toString()).toBe(`${bytes.toString()}tail`);
  });

  test('after which the caller may change its buffer', async () => {
    const [rx, tx] = aiopipe({ capacity: 4096 });
    await using reader = rx.open();
    await using writer = tx.open();
    const bytes = Buffer.alloc(100_000, 'w');
    await errorOf(writer.write(bytes, { timeout: 1 }));
    bytes.fill('X');
    const read = reader.read();
    await writer.close();
    expect((await read).includes('X')).toBe(false);
  });

  test('does not begin if its signal is aborted already', async () => {
    const [rx, tx] = aiopipe();
    await using reader = rx.open();
    await using writer = tx.open();
    expect((await errorOf(writer.write('never', { signal: AbortSignal.abort() }))).code).toBe('ABORT_ERR');
    expect(await errorOf(writer.write('never', { timeout: -1 }))).toBeInstanceOf(TypeError);
    expect((await errorOf(writer.close({ signal: AbortSignal.abort() }))).code).toBe('ABORT_ERR');
    await writer.write('this');
    await writer.close();
    expect((await reader.read()).toString()).toBe('this');
  });
});

test('a getter of the options that throws rejects the call', async () => {
  const [rx, tx] = aiopipe();
  await using reader = rx.open();
  await using writer = tx.open();
  const failure = new Error('no');
  const options: WaitOptions = {
    get timeout(): number {
      throw failure;
    },
  };
  for (const call of [() => reader.read(1, options), () => writer.write('a', options), () => writer.drain(options)]) {
    const promise = call();
    expect(await errorOf(promise)).toBe(failure);
  }
});

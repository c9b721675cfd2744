import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck } from '@aiopipe/testing';
import { aiopipe } from '@aiopipe/core';
import { channel, expose, proxy, serialize } from '@aiopipe/codec';
import {
  CALL,
  CANCEL,
  CREDIT,
  ERROR,
  errorOf,
  ITEM,
  RELEASE,
  RESULT,
  RETAIN,
  soon,
  STREAM,
  turns,
  withPair,
  withVictim,
  type Api,
} from './helpers.js';

afterAll(leakCheck());

describe('a message that breaks the protocol ends the channel with an error that says how', () => {
  test.each<[what: string, message: unknown, rule: string]>([
    ['no array', { kind: 1 }, 'a message that is no array'],
    ['a text', 'call', 'a message that is no array'],
    ['null', null, 'a message that is no array'],
    ['an empty array', [], 'a message without an id'],
    ['no id', [CALL], 'a message without an id'],
    ['an id that is no number', [CALL, '1', 'one', []], 'a message without an id'],
    ['an id of 0', [CALL, 0, 'one', []], 'a message without an id'],
    ['a negative id', [RESULT, -1, 1], 'a message without an id'],
    ['an id with a fraction', [CALL, 1.5, 'one', []], 'a message without an id'],
    ['an id over 2^53', [CALL, 2 ** 53, 'one', []], 'a message without an id'],
    ['an unknown kind', [10, 1], 'a message of the unknown kind 10'],
    ['a kind that is an object', [{ toString: 1 }, 1], 'a message of the unknown kind { toString: 1 }'],
    ['a call without arguments', [CALL, 1, 'one'], 'a call without a list of arguments'],
    ['arguments that are no list', [CALL, 1, 'one', { length: 3 }], 'a call without a list of arguments'],
    ['a method that is no name', [CALL, 1, { toString: 1 }, []], 'a call of something else than a method'],
    ['functions that are no list', [CALL, 1, 'one', [], 3], 'a call with a malformed list of functions'],
    ['a function without a place', [CALL, 1, 'one', [], [[]]], 'a function with a malformed place'],
    [
      'a function at no argument',
      [CALL, 1, 'one', [], [[0, 1]]],
      'a function at a place that the arguments do not have',
    ],
    [
      'a function at a key',
      [CALL, 1, 'one', [1], [[0, 'x', 1]]],
      'a function at a place that the arguments do not have',
    ],
    [
      'one at __proto__',
      [CALL, 1, 'one', [{}], [[0, '__proto__', 1]]],
      'a function at a place that the arguments do not have',
    ],
    [
      'one in a Buffer',
      [CALL, 1, 'one', [Buffer.alloc(1)], [[0, '0', 1]]],
      'a function at a place that the arguments do not have',
    ],
    [
      'one as the length of a list',
      [CALL, 1, 'one', [[]], [[0, 'length', 1]]],
      'a function at a place that the arguments do not have',
    ],
    [
      'too many functions',
      [CALL, 1, 'one', [], Array.from({ length: 1001 }, () => [0, 1])],
      'a call with a malformed list of functions',
    ],
    ['an answer to no call', [RESULT, 1, 1], 'an answer to call 1, which was not made'],
    ['an error for no call', [ERROR, 7, 1], 'an answer to call 7, which was not made'],
    ['a stream for no call', [STREAM, 1], 'an answer to call 1, which was not made'],
    ['an item for no call', [ITEM, 1, 1], 'an answer to call 1, which was not made'],
    ['a credit without a count', [CREDIT, 1], 'a credit without a count'],
    ['a negative credit', [CREDIT, 1, -5], 'a credit without a count'],
  ])('%s', async (_what, message, rule) => {
    await withVictim(async (raw, { closed, channel: there, remote }) => {
      await raw.put(message);
      const error = await errorOf(soon(closed, 'the end'));
      expect(error.code).toBe('ERR_AIOPIPE_PROTOCOL');
      expect(error.message).toMatch(/^channel end made at .*: the peer broke the protocol of calls: /);
      expect(error.message.endsWith(rule)).toBe(true);
      expect(there.isClosed).toBe(true);
      expect(await errorOf(remote.one())).toBe(error);
      expect(await errorOf(there.closed)).toBe(error);
      expect(await errorOf(raw.get())).toMatchObject({ code: 'ERR_AIOPIPE_END_OF_STREAM' });
    });
  });

  test.each<[what: string, messages: unknown[][], rule: string]>([
    [
      'the id of an earlier call',
      [
        [CALL, 2, 'wait', []],
        [CALL, 2, 'wait', []],
      ],
      'call 2 after call 2',
    ],
    [
      'an id that descends',
      [
        [CALL, 2, 'one', []],
        [CALL, 1, 'one', []],
      ],
      'call 1 after call 2',
    ],
  ])('%s', async (_what, messages, rule) => {
    await withVictim(async (raw, { closed }) => {
      for (const message of messages) await raw.put(message);
      expect((await errorOf(soon(closed, 'the end'))).message.endsWith(rule)).toBe(true);
    });
  });

  test.each<[what: string, messages: unknown[][], rule: string]>([
    ['an item of a call that is no stream', [[ITEM, 1, 1]], 'an item of call 1 that was not asked for'],
    [
      'two streams',
      [
        [STREAM, 1],
        [STREAM, 1],
      ],
      'call 1 became a generator twice',
    ],
    [
      'more items than were asked for',
      [[STREAM, 1], ...Array.from({ length: 17 }, () => [ITEM, 1, 1])],
      'an item of call 1 that was not asked for',
    ],
  ])('%s', async (_what, messages, rule) => {
    await withVictim(async (raw, { closed, remote }) => {
      const next = remote.watch().next();
      for (const message of messages) await raw.put(message);
      expect((await errorOf(soon(closed, 'the end'))).message.endsWith(rule)).toBe(true);
      await next.catch(() => undefined);
    });
  });
});

describe('a message without effect changes nothing', () => {
  test('answers to calls that are over, cancels and credits of no call, functions that were not given', async () => {
    await withVictim(async (raw, { remote }) => {
      const call = remote.one();
      await raw.get();
      await raw.put([RESULT, 1, 5]);
      for (const message of [
        [RESULT, 1, 6],
        [ERROR, 1, 'late'],
        [STREAM, 1],
        [ITEM, 1, 1],
        [CANCEL, 77, 'reason'],
        [CREDIT, 77, 1],
        [RETAIN, 77],
        [RELEASE, 77],
      ]) {
        await raw.put(message);
      }
      expect(await call).toBe(5);
      await raw.put([CALL, 1, 'one', [], undefined, 'more than there is']);
      expect(await raw.get()).toEqual([RESULT, 1, 1]);
    });
  });

  test('a million forged ids take no memory', async () => {
    await withVictim(async (raw, { remote }) => {
      const call = remote.one();
      await raw.get();
      await raw.put([RESULT, 1, 5]);
      await call;
      const before = process.memoryUsage().heapUsed;
      for (let i = 1; i <= 1_000_000; i++) {
        const put = raw.put(i % 2 === 0 ? [CANCEL, i] : [RESULT, 1, i]);
        if (i % 1000 === 0) await put;
      }
      await raw.put([CALL, 1, 'one', []]);
      expect(await raw.get()).toEqual([RESULT, 1, 1]);
      (globalThis as unknown as { gc(): void }).gc();
      expect(process.memoryUsage().heapUsed - before).toBeLessThan(16 * 1024 * 1024);
    });
  });
});

describe('a peer that calls without end', () => {
  test('has `maxCalls` calls open, and is refused more', async () => {
    await withVictim(
      async (raw) => {
        for (let id = 1; id <= 5; id++) await raw.put([CALL, id, 'wait', []]);
        // To cancel them does not end them.
        for (let id = 1; id <= 3; id++) await raw.put([CANCEL, id]);
        await raw.put([CALL, 6, 'one', []]);
        for (const id of [4, 5, 6]) {
          const [kind, of] = (await raw.get()) as [number, number];
          expect([kind, of]).toEqual([ERROR, id]);
        }
      },
      { maxCalls: 3 },
    );
  });

  test('and does not read the answers breaks the channel once 64 MiB wait', async () => {
    const [raw, there] = channel({ duplex: true });
    const text = 'x'.repeat(1024 * 1024);
    const exposed = expose(there, { text: () => text });
    void there.closed.catch(() => undefined);
    let failed: unknown;
    for (let id = 1; failed === undefined && id < 200_000; id++) {
      const put = raw.put([CALL, id, id < 80 ? 'text' : 'none', []]);
      if (id % 100 === 0) await put.catch((error: unknown) => (failed = error));
    }
    expect(await errorOf(soon(exposed.closed, 'the end'))).toMatchObject({ code: 'ERR_AIOPIPE_QUEUE_FULL' });
    raw[Symbol.dispose]();
    there[Symbol.dispose]();
  });
});

test('a malformed error of a peer arrives as an Error', async () => {
  await withVictim(async (raw, { remote }) => {
    const cyclic: Record<string, unknown> = { name: 'X', message: 'y' };
    cyclic['cause'] = cyclic;
    const sent = [3, null, {}, { message: 3, name: {}, stack: [], errors: 3 }, Buffer.from('rubbish'), cyclic, [1]];
    for (const [index, error] of sent.entries()) {
      const call = remote.one();
      await raw.get();
      await raw.put([ERROR, index + 1, error]);
      expect(await errorOf(call)).toBeInstanceOf(Error);
    }
  });
});

test('fields of an error cannot replace its stack, or change its prototype', async () => {
  await withPair(async (here, raw) => {
    const call = proxy<Api>(here).one();
    await raw.get();
    const fields = JSON.parse('{"__proto__":{"bad":1},"message":"other","stack":"other","code":"X"}') as object;
    await raw.put([ERROR, 1, { name: 'TypeError', message: 'm', stack: 's', fields }]);
    const error = await errorOf(call);
    expect(Object.getPrototypeOf(error)).toBe(TypeError.prototype);
    expect([error.message, error.stack, error.code]).toEqual(['m', 's', 'X']);
  });
});

test('an error whose parts refer to each other many times is made once', async () => {
  await withVictim(async (raw, { remote }) => {
    const call = remote.one();
    await raw.get();
    // 2^60 errors, if each path to one made another.
    let data: Record<string, unknown> = { message: 'the last' };
    for (let level = 0; level < 60; level++) data = { message: 'x', errors: [data, data], cause: data };
    await raw.put([ERROR, 1, data]);
    const error = (await errorOf(soon(call, 'the error'))) as unknown as AggregateError;
    expect(error.errors[0]).toBe(error.errors[1]);
    expect(error.cause).toBe(error.errors[0]);
  });
});

test('an error is decoded within the limits of the channel', async () => {
  await withPair(
    async (here, raw) => {
      const call = proxy<Api>(here).one();
      await raw.get();
      await raw.put([ERROR, 1, serialize(Array.from({ length: 200 }, () => ({})))]);
      expect((await errorOf(call)).message).toContain('limits.nodes');
    },
    { limits: { nodes: 100 } },
  );
});

test('a peer that reads no answers gets no further calls run than the channel has room for', async () => {
  const size = 64 * 1024;
  const [raw, there] = channel<unknown>({ duplex: true, queueLimit: 4 * size });
  let runs = 0;
  const exposed = expose(there, {
    async large() {
      runs++;
      await Promise.resolve();
      return Buffer.alloc(size);
    },
  });
  const calls = 4000;
  for (let id = 1; id <= calls; id++) await raw.put([CALL, id, 'large', []]);
  await raw.drain();
  await turns(50);
  // What both sockets hold, the queue, and the calls of one turn of the event loop: their answers come after it.
  expect(runs).toBeLessThan(calls / 2);
  for (let id = 1; id <= calls; id++) {
    const [kind, of, value] = (await raw.get()) as [number, number, Buffer];
    expect([kind, of, value.length]).toEqual([RESULT, id, size]);
  }
  expect(runs).toBe(calls);
  raw.close();
  await exposed.closed;
  there[Symbol.dispose]();
});

test('a call that has not begun for want of room can be cancelled, and closes what came with it', async () => {
  const [raw, there] = channel<unknown>({ duplex: true, queueLimit: 1024 * 1024 });
  const runs: string[] = [];
  const exposed = expose(there, {
    large: () => Buffer.alloc(4 * 1024 * 1024),
    late(name: string) {
      runs.push(name);
    },
  });
  for (let id = 1; id <= 3; id++) await raw.put([CALL, id, 'large', []]);
  const [rx, tx] = aiopipe();
  await raw.put([CALL, 4, 'late', ['cancelled', tx]]);
  await raw.put([CANCEL, 4]);
  await raw.put([CALL, 5, 'late', ['called']]);
  for (let id = 1; id <= 3; id++) {
    const [kind, of] = (await raw.get()) as [number, number];
    expect([kind, of]).toEqual([RESULT, id]);
  }
  expect(await raw.get()).toEqual([RESULT, 5]);
  expect(runs).toEqual(['called']);
  await using reader = rx.open();
  expect(await reader.read(1)).toHaveLength(0);
  raw.close();
  await exposed.closed;
  there[Symbol.dispose]();
});

import { addContextCarrier, aioduplex } from '@aiopipe/core';
import { Channel, channel, merge, type ChannelOptions } from '@aiopipe/codec';
import { errorOf, leakCheck, requestContext, thrownBy } from '@aiopipe/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codecs } from '../rpc/helpers.js';

afterAll(leakCheck());

const { request, carrier } = requestContext();
let added: Disposable;
beforeAll(() => {
  added = addContextCarrier(carrier);
});
afterAll(() => {
  added[Symbol.dispose]();
});

const WITH: ChannelOptions = { context: true };

describe.each(codecs)('a channel of %s with context: true', (_name, options) => {
  test('gives each message to forEach() in the context of its put()', async () => {
    using pair = channel<unknown>({ ...options, ...WITH });
    const [reader, writer] = pair;
    for (const id of ['1', undefined, '2']) {
      if (id === undefined) await writer.put({ of: id });
      else await request.run(id, () => writer.put({ of: id }));
    }
    writer.close();
    const seen: unknown[] = [];
    await request.run('mine', () =>
      reader.forEach(async (message) => {
        const before = request.getStore();
        await new Promise(setImmediate);
        seen.push([message, before, request.getStore()]);
      }),
    );
    expect(seen).toEqual([
      [{ of: '1' }, '1', '1'],
      [{}, 'mine', 'mine'],
      [{ of: '2' }, '2', '2'],
    ]);
  });

  test('gives the message alone to get(), tryGet(), loops and merge()', async () => {
    using pair = channel<number>({ ...options, ...WITH });
    const [reader, writer] = pair;
    request.run('x', () => {
      for (let i = 0; i < 5; i++) void writer.put(i);
    });
    await writer.drain();
    expect(await reader.get()).toBe(0);
    expect(reader.tryGet()).toEqual({ value: 1 });
    for await (const message of reader) {
      expect(message).toBe(2);
      break;
    }
    for await (const message of merge([reader])) {
      expect(message).toBe(3);
      break;
    }
    const [late, last] = [reader.get(), reader.get()];
    expect(await late).toBe(4);
    void writer.put(5);
    expect(await last).toBe(5);
  });
});

test.each([{}, { encoder: 'json', decoder: 'json' }] as const)(
  'a value that cannot be sent with its context is named by its place as the caller knows it: %o',
  async (options) => {
    using pair = channel<unknown>({ ...options, ...WITH });
    const error = await errorOf(request.run('1', () => pair[1].put({ job: { call: () => undefined } })));
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_ENCODE', path: 'value.job.call' });
  },
);

describe('forEach()', () => {
  test('also works on a channel without contexts, and on a duplex one', async () => {
    using pair = channel<number, number>({ duplex: true });
    const [here, there] = pair;
    for (const n of [1, 2, 3]) void here.put(n);
    await here.drain();
    here.close();
    const seen: number[] = [];
    await there.forEach((n) => seen.push(n));
    expect(seen).toEqual([1, 2, 3]);
  });

  test('takes no message after one whose function throws', async () => {
    using pair = channel<number>();
    const [reader, writer] = pair;
    for (const n of [1, 2, 3]) void writer.put(n);
    const error = await errorOf(
      reader.forEach((n) => {
        if (n === 2) throw new RangeError('two');
      }),
    );
    expect(error.message).toBe('two');
    expect(await reader.get()).toBe(3);
  });

  test('takes turns with other readers, and keeps each message’s own context', async () => {
    using pair = channel<string>(WITH);
    const [reader, writer] = pair;
    const seen: unknown[] = [];
    const note = (message: string) => void seen.push([message, request.getStore()]);
    const both = [reader.forEach(note), reader.forEach(note)];
    for (let i = 0; i < 20; i++) request.run(String(i), () => void writer.put(String(i)));
    await writer.drain();
    writer.close();
    await Promise.all(both);
    expect(seen).toHaveLength(20);
    for (const [message, context] of seen as [string, string][]) expect(context).toBe(message);
  });

  test('ends with AbortError, and loses no message', async () => {
    using pair = channel<number>(WITH);
    const [reader, writer] = pair;
    const cancel = new AbortController();
    const looping = errorOf(reader.forEach(() => undefined, { signal: cancel.signal }));
    cancel.abort();
    expect((await looping).code).toBe('ABORT_ERR');
    await writer.put(1);
    expect(await reader.get()).toBe(1);
  });

  test('keeps the context of a message that a schema checks later', async () => {
    using pair = channel<number>(WITH);
    const [reader, writer] = pair;
    reader.validate({
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: async (value) => {
          await new Promise(setImmediate);
          return { value: Number(value) * 10 };
        },
      },
    });
    for (const id of ['1', '2']) request.run(id, () => void writer.put(Number(id)));
    await writer.drain();
    writer.close();
    const seen: unknown[] = [];
    await reader.forEach((n) => seen.push([n, request.getStore()]));
    expect(seen).toEqual([
      [10, '1'],
      [20, '2'],
    ]);
  });

  test('refuses what is no function', async () => {
    using pair = channel<number>();
    const error = await errorOf(pair[0].forEach('x' as never));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe("forEach: expected a function, not 'x'");
  });
});

describe('context: true', () => {
  test('moves with the channel', async () => {
    using outer = channel<unknown>();
    using inner = channel<string>(WITH);
    await outer[1].put(inner[0]);
    const moved = (await outer[0].get()) as (typeof inner)[0];
    await request.run('9', () => inner[1].put('x'));
    inner[1].close();
    const seen: unknown[] = [];
    await moved.forEach((message) => seen.push([message, request.getStore()]));
    expect(seen).toEqual([['x', '9']]);
    moved.close();
  });

  test.each([
    ['no flag', { context: 1 }, /context: expected true or false, not 1/],
    ['a codec of bytes only', { context: true, encoder: null }, /context: .*only bytes/],
  ])('refuses %s', (_name, options, message) => {
    const error = thrownBy(() => channel(options as never));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(message);
  });

  test('costs a peer without it each message, and not the channel', async () => {
    const json = { encoder: 'json', decoder: 'json' } as const;
    const [one, other] = aioduplex();
    using enclosed = Channel.from<unknown>(one, { ...json, ...WITH });
    using plain = Channel.from<unknown>(other, json);
    for (const message of ['x', ['x', 'y'], ['x', { request: 1 }], ['fine']]) void plain.put(message);
    await plain.drain();
    for (let i = 0; i < 3; i++) {
      const error = await errorOf(enclosed.get());
      expect(error).toMatchObject({ code: 'ERR_AIOPIPE_DECODE', fatal: false });
      expect(error.message).toMatch(/give both ends the same option `context`$/);
    }
    expect(await enclosed.get()).toBe('fine');
    await enclosed.put(5);
    expect(await plain.get()).toEqual([5]);
  });
});

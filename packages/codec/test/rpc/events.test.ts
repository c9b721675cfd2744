import { addContextCarrier } from '@aiopipe/core';
import { expose, proxy, type RpcCall } from '@aiopipe/codec';
import { errorOf, leakCheck, observeTraced, requestContext } from '@aiopipe/testing';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { codecs, withPair } from './helpers.js';

afterAll(leakCheck());

const DONE = ['start', 'end', 'asyncStart', 'asyncEnd'];
const FAILED = ['start', 'end', 'error', 'asyncStart', 'asyncEnd'];

const object = {
  add: (a: number, b: number) => a + b,
  fail: () => {
    throw new RangeError('as asked');
  },
  ask: async (back: () => Promise<unknown>) => back(),
  *count(n: number) {
    for (let i = 0; i < n; i++) yield i;
  },
  wait: () => new Promise<void>(() => undefined),
};

describe('aiopipe:rpc.call and aiopipe:rpc.serve', () => {
  test('tell of a call on both sides', async () => {
    await withPair(async (here, there) => {
      using calls = observeTraced<RpcCall>('aiopipe:rpc.call');
      using served = observeTraced<RpcCall>('aiopipe:rpc.serve');
      expose(there, object);
      expect(await proxy<typeof object>(here).add(1, 2)).toBe(3);
      expect([calls.events(), served.events()]).toEqual([DONE, DONE]);
      expect(calls.published[0]?.message).toMatchObject({
        method: 'add',
        channel: expect.stringMatching(/^channel end/),
      });
      expect(served.published[0]?.message.method).toBe('add');
    });
  });

  test('tell of a call that throws, and of one that no method answers', async () => {
    await withPair(async (here, there) => {
      using calls = observeTraced<RpcCall>('aiopipe:rpc.call');
      using served = observeTraced<RpcCall>('aiopipe:rpc.serve');
      expose(there, object);
      const remote = proxy<typeof object & { none(): void }>(here);
      const error = await errorOf(remote.fail());
      expect(calls.published[2]?.message.error).toBe(error);
      await errorOf(remote.none());
      expect(calls.events()).toEqual([...FAILED, ...FAILED]);
      expect(served.events()).toEqual(FAILED);
    });
  });

  test('tell of a generator until its last item, or until it is left', async () => {
    await withPair(async (here, there) => {
      using calls = observeTraced<RpcCall>('aiopipe:rpc.call');
      expose(there, object);
      const remote = proxy<typeof object>(here);
      for await (const n of remote.count(3)) expect(n).toBeLessThan(3);
      expect(calls.events()).toEqual(DONE);
      for await (const n of remote.count(1000)) {
        if (n === 2) break;
        expect(calls.events()).toEqual([...DONE, 'start', 'end']);
      }
      expect(calls.events()).toEqual([...DONE, ...DONE]);
    });
  });

  test('tell of a call that is cancelled, or whose channel ends', async () => {
    await withPair(async (here, there) => {
      using calls = observeTraced<RpcCall>('aiopipe:rpc.call');
      expose(there, object);
      const remote = proxy<typeof object>(here);
      const error = await errorOf(remote.wait.with({ signal: AbortSignal.abort() })());
      const late = await errorOf(remote.wait.with({ timeout: 1 })());
      const lost = errorOf(remote.wait());
      here[Symbol.dispose]();
      await lost;
      const errors = calls.published.filter(({ event }) => event === 'error').map(({ message }) => message.error);
      expect(errors).toHaveLength(3);
      expect(errors[0]).toBe(error);
      expect((errors[1] as Error).name).toBe(late.name);
      expect(calls.events().slice(-3)).toEqual(['error', 'asyncStart', 'asyncEnd']);
    });
  });
});

describe.each(codecs)('the context of a call over a channel of %s', (_name, options) => {
  const { request, carrier } = requestContext();
  let added: Disposable;
  beforeEach(() => {
    added = addContextCarrier(carrier);
  });
  afterEach(() => {
    added[Symbol.dispose]();
  });
  const service = {
    who: async (add: string) => {
      await new Promise(setImmediate);
      return String(request.getStore()) + add;
    },
    async *often() {
      yield request.getStore();
      await new Promise(setImmediate);
      yield request.getStore();
    },
    back: async (ask: () => Promise<unknown>) => [request.getStore(), await ask()],
  };

  test('is that of its method, its generator and the functions that come with it', async () => {
    await withPair(async (here, there) => {
      expose(there, service);
      const remote = proxy<typeof service>(here);
      expect(await remote.who('!')).toBe('undefined!');
      expect(await request.run('7', () => remote.who('!'))).toBe('7!');
      const items: unknown[] = [];
      await request.run('8', async () => {
        for await (const item of remote.often()) items.push(item);
      });
      expect(items).toEqual(['8', '8']);
      const both = await request.run('9', () => remote.back(async () => request.getStore()));
      expect(both).toEqual(['9', '9']);
      expect(await remote.who('')).toBe('undefined');
    }, options);
  });
});

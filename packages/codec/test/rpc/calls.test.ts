import { afterAll, describe, expect, test } from 'vitest';
import { inspect } from 'node:util';
import { leakCheck } from '@aiopipe/testing';
import { aiopipe, type ReadEnd } from '@aiopipe/core';
import { expose, proxy, register, type Channel } from '@aiopipe/codec';
import { codecs, errorOf, soon, turns, withPair } from './helpers.js';

afterAll(leakCheck());

class Base {
  greet(name: string) {
    return `hello ${name}`;
  }
}

class Counter extends Base {
  count = 0;
  add(n: number) {
    return (this.count += n);
  }
  async later(n: number) {
    await Promise.resolve();
    return this.add(n);
  }
  nothing() {
    return undefined;
  }
  async *watch(to: number) {
    for (let i = 1; i <= to; i++) yield await Promise.resolve(i);
    return 'end';
  }
  *list(to: number) {
    for (let i = 1; i <= to; i++) yield i;
  }
  fail(): never {
    throw Object.assign(new RangeError('too far', { cause: new Error('inner') }), { code: 'FAR', limit: 3 });
  }
  async ask(question: (n: number) => Promise<number>, more: { log: (text: string) => Promise<void> }) {
    await more.log('asked');
    return (await question(20)) + 1;
  }
}

describe.each(codecs)('over a channel of %s', (_name, options) => {
  const withCounter = (use: (remote: ReturnType<typeof proxy<Counter>>) => Promise<void>) =>
    withPair(async (here, there) => {
      expose(there, new Counter());
      await use(proxy<Counter>(here));
    }, options);

  test('a call resolves with what the method returns, and methods share their object', async () => {
    await withCounter(async (remote) => {
      expect(await remote.add(2)).toBe(2);
      expect(await remote.later(3)).toBe(5);
      expect(await remote.greet('you')).toBe('hello you');
      expect(await remote.nothing()).toBeUndefined();
    });
  });

  test('a call rejects with what the method throws', async () => {
    await withCounter(async (remote) => {
      const error = await errorOf(remote.fail());
      expect(error).toBeInstanceOf(RangeError);
      expect(error).toMatchObject({ name: 'RangeError', message: 'too far', code: 'FAR', limit: 3 });
      expect(error.cause).toMatchObject({ message: 'inner' });
      expect(error.stack).toContain('calls.test.ts');
    });
  });

  test('a thrown value that is no error arrives as it is', async () => {
    await withPair(async (here, there) => {
      expose(there, {
        text: () => Promise.reject('a text' as never),
        none: () => Promise.reject(null as never),
      });
      const remote = proxy<{ text(): void; none(): void }>(here);
      expect(await errorOf(remote.text())).toBe('a text');
      expect(await errorOf(remote.none())).toBeNull();
    }, options);
  });

  test('a generator is an async iterable, with its return value', async () => {
    await withCounter(async (remote) => {
      const items: number[] = [];
      for await (const item of remote.watch(50)) items.push(item);
      expect(items).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
      for await (const item of remote.list(3)) items.push(item);
      expect(items.slice(50)).toEqual([1, 2, 3]);
      const generator = remote.watch(1);
      expect(await generator.next()).toEqual({ done: false, value: 1 });
      expect(await generator.next()).toEqual({ done: true, value: 'end' });
      expect(await generator.next()).toEqual({ done: true, value: undefined });
    });
  });

  test('functions in arguments and in plain objects of arguments can be called', async () => {
    await withCounter(async (remote) => {
      const log: string[] = [];
      const answer = await remote.ask(async (n) => n * 2, { log: async (text) => void log.push(text) });
      expect(answer).toBe(41);
      expect(log).toEqual(['asked']);
    });
  });

  test('both ends expose and call at once', async () => {
    await withPair(async (here, there) => {
      interface Ping {
        ping(n: number): Promise<number>;
      }
      const ends: [Channel, Channel] = [here, there];
      const [a, b] = ends.map((end) => {
        const remote = proxy<Ping>(end);
        expose(end, { ping: async (n: number): Promise<number> => (n === 0 ? 0 : 1 + (await remote.ping(n - 1))) });
        return remote;
      });
      expect(await Promise.all([a?.ping(20), b?.ping(21), a?.ping(0)])).toEqual([20, 21, 0]);
    }, options);
  });
});

test('a value that cannot be sent rejects that call alone, with its path', async () => {
  await withPair(async (here, there) => {
    expose(there, { echo: (value: unknown) => value, bad: () => ({ inner: [() => 1] }), list: () => [Symbol('s')] });
    const remote = proxy<{ echo(value: unknown): unknown; bad(): unknown; list(): unknown }>(here);
    expect(await errorOf(remote.echo({ deep: { inner: [() => 1] } }))).toMatchObject({
      code: 'ERR_AIOPIPE_ENCODE',
      path: 'args[0].deep.inner[0]',
      message: 'args[0].deep.inner[0]: a function cannot be sent',
    });
    expect(await errorOf(remote.bad())).toMatchObject({ code: 'ERR_AIOPIPE_ENCODE', path: 'result.inner[0]' });
    expect(await errorOf(remote.list())).toMatchObject({ code: 'ERR_AIOPIPE_ENCODE', path: 'result[0]' });
    expect(await remote.echo(1)).toBe(1);
  });
});

test('a value whose class the receiver lacks rejects that call alone', async () => {
  class Lost {
    readonly kind = 'lost';
  }
  let knows = true;
  register(Lost, {
    name: 'rpc/Lost',
    reduce: () => 1,
    revive: () => {
      if (knows) return new Lost();
      throw new Error('unknown here');
    },
  });
  await withPair(async (here, there) => {
    let calls = 0;
    expose(there, {
      take: (_: unknown) => ++calls,
      give: () => new Lost(),
      *items() {
        yield 1;
        yield new Lost();
      },
    });
    const remote = proxy<{ take(lost: Lost): number; give(): Lost; items(): Generator<unknown> }>(here);
    expect(await remote.give()).toBeInstanceOf(Lost);
    knows = false;
    expect(await errorOf(remote.take(new Lost()))).toMatchObject({ code: 'ERR_AIOPIPE_DECODE' });
    expect(calls).toBe(0);
    expect(await errorOf(remote.give())).toMatchObject({ code: 'ERR_AIOPIPE_DECODE' });
    const items = remote.items();
    expect((await items.next()).value).toBe(1);
    expect(await errorOf(items.next())).toMatchObject({ code: 'ERR_AIOPIPE_DECODE' });
    knows = true;
    expect(await remote.take(new Lost())).toBe(1);
  });
});

test('an error over JSON describes each of its errors once', async () => {
  await withPair(
    async (here, there) => {
      let error = new AggregateError([], 'the last');
      for (let level = 0; level < 60; level++) error = new AggregateError([error, error], 'x', { cause: error });
      const service = {
        fail() {
          throw error;
        },
      };
      expose(there, service);
      const got = (await errorOf(soon(proxy<typeof service>(here).fail(), 'the error'))) as unknown as AggregateError;
      expect(got.errors).toHaveLength(2);
    },
    { encoder: 'json', decoder: 'json' },
  );
});

test('an error of a registered class keeps its class', async () => {
  class NotFound extends Error {
    constructor(readonly key: string) {
      super(`no ${key}`);
    }
  }
  register(NotFound, { name: 'rpc/NotFound', reduce: ({ key }) => key, revive: (key) => new NotFound(key) });
  await withPair(async (here, there) => {
    expose(there, { find: (key: string) => Promise.reject(new NotFound(key)) });
    const error = await errorOf(proxy<{ find(key: string): Promise<void> }>(here).find('x'));
    expect(error).toBeInstanceOf(NotFound);
    expect(error).toMatchObject({ message: 'no x', key: 'x' });
  });
});

describe('a proxy', () => {
  test('is no promise, and neither are its methods: an await of them makes no call', async () => {
    await withPair(async (here, there) => {
      const called: string[] = [];
      const all = new Proxy({} as Record<string, () => void>, {
        ownKeys: () => ['then', 'toJSON', 'catch', 'get'],
        getOwnPropertyDescriptor: (_, name) => ({
          value: () => called.push(String(name)),
          enumerable: true,
          configurable: true,
        }),
      });
      expose(there, all);
      const remote = proxy<Record<string, () => void>>(here);
      expect(await remote).toBe(remote);
      expect(typeof (await remote['get'])).toBe('function');
      expect(remote['get']).toBe(remote['get']);
      expect(JSON.stringify({ remote })).toBe('{"remote":{}}');
      inspect(remote);
      expect(Object.keys(remote)).toEqual([]);
      for (const name of ['then', 'toJSON', 'constructor', '__proto__', 'toString', 'hasOwnProperty']) {
        expect((remote as Record<string, unknown>)[name]).toBeUndefined();
      }
      expect((remote as unknown as Record<symbol, unknown>)[Symbol.iterator]).toBeUndefined();
      expect(() => Object.assign(remote, { get: 1 })).toThrow(TypeError);
      await remote['get']?.();
      expect(called).toEqual(['get']);
    });
  });

  test('has promises that are native ones for all that code asks them', async () => {
    await withPair(async (here, there) => {
      expose(there, { one: () => 1 });
      const remote = proxy<{ one(): number }>(here);
      const call = remote.one();
      expect(call).toBeInstanceOf(Promise);
      expect(await call.then((one) => one + 1).finally(() => undefined)).toBe(2);
      expect(await Promise.all([call, remote.one()])).toEqual([1, 1]);
      expect(inspect(call)).toContain('1');
    });
  });
});

test('a call that fails and that no code awaits ends no program', async () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);
  process.on('unhandledRejection', note);
  try {
    await withPair(async (here, there) => {
      expose(there, {
        fail: () => Promise.reject(new Error('no')),
        *items() {
          yield 1;
          throw new Error('no item');
        },
      });
      const remote = proxy<{ fail(): Promise<void>; none(): void; items(): Generator<number> }>(here);
      void remote.fail();
      void remote.none();
      void remote.fail.with({ signal: AbortSignal.abort() })();
      void remote.fail.with({ timeout: 0 })();
      const items = remote.items();
      void items.next();
      void items.next();
      await errorOf(remote.fail());
      here[Symbol.dispose]();
      void remote.fail();
      await turns();
    });
    await turns();
    expect(unhandled).toEqual([]);
  } finally {
    process.off('unhandledRejection', note);
  }
});

test('handles in arguments, results and items move', async () => {
  await withPair(async (here, there) => {
    expose(there, {
      async read(end: ReadEnd) {
        await using reader = end.open();
        return (await reader.read()).toString();
      },
      pipe() {
        const [rx, tx] = aiopipe();
        void tx
          .open()
          .write('from there')
          .then(undefined, () => undefined);
        return rx;
      },
      *pipes() {
        const [rx, tx] = aiopipe();
        yield rx;
        yield tx;
      },
    });
    const remote = proxy<{
      read(end: ReadEnd): Promise<string>;
      pipe(): ReadEnd;
      pipes(): Generator<Disposable>;
    }>(here);
    const [rx, tx] = aiopipe();
    const text = remote.read(rx);
    expect(rx.state).toBe('moved');
    {
      await using writer = tx.open();
      await writer.write('from here');
    }
    expect(await text).toBe('from here');
    const ends: Disposable[] = [];
    for await (const end of remote.pipes()) ends.push(end);
    expect(ends.map((end) => end.constructor.name)).toEqual(['ReadEnd', 'WriteEnd']);
    for (const end of ends) end[Symbol.dispose]();
  });
});

import { afterAll, describe, expect, test } from 'vitest';
import { collectGarbage, leakCheck, until } from '@aiopipe/testing';
import { expose, proxy, retain } from '@aiopipe/codec';
import { CALL, codecs, ERROR, errorOf, gate, RELEASE, RESULT, RETAIN, thrownBy, turns, withPair } from './helpers.js';

afterAll(leakCheck());

type Listener = (n: number) => Promise<number>;

/** An object that keeps what it is given: with `retain()`, or without. */
function keeper() {
  const kept: Listener[] = [];
  return {
    kept,
    object: {
      keep: (listener: Listener) => void kept.push(retain(listener)),
      keepBare: (listener: Listener) => void kept.push(listener),
      none: () => undefined,
    },
  };
}

describe.each(codecs)('over a channel of %s', (_name, options) => {
  test('a function is callable until its call ends, and then rejects with an error that says why', async () => {
    await withPair(async (here, there) => {
      const { kept, object } = keeper();
      expose(there, object);
      await proxy<typeof object>(here).keepBare(async (n) => n + 1);
      const error = await errorOf((kept[0] as Listener)(1));
      expect(error.code).toBe('ERR_AIOPIPE_CLOSED');
      expect(error.message).toMatch(
        /the call that the function came with has ended: keep the function with retain\(\)$/,
      );
      expect(thrownBy(() => retain(kept[0] as Listener))).toMatchObject({ code: 'ERR_AIOPIPE_CLOSED' });
    }, options);
  });

  test('a function that is retained is callable until the channel ends', async () => {
    await withPair(async (here, there) => {
      const { kept, object } = keeper();
      expose(there, object);
      await proxy<typeof object>(here).keep(async (n) => n + 1);
      expect(await kept[0]?.(1)).toBe(2);
      here[Symbol.dispose]();
      expect(await errorOf((kept[0] as Listener)(1))).toMatchObject({ code: 'ERR_AIOPIPE_END_OF_STREAM' });
    }, options);
  });
});

test('a function may throw, be a generator, take functions itself, and be cancelled', async () => {
  await withPair(async (here, there) => {
    expose(there, {
      async use(
        fail: () => Promise<void>,
        more: {
          items: () => AsyncGenerator<number>;
          twice: (f: (n: number) => number) => Promise<number>;
          hang: { with(options: object): () => Promise<void> };
        },
      ) {
        const outcomes: unknown[] = [await fail().catch((error: unknown) => (error as Error).message)];
        for await (const item of more.items()) outcomes.push(item);
        outcomes.push(await more.twice((n) => n * 2));
        outcomes.push(await errorOf(more.hang.with({ timeout: 5 })()).then(({ code }) => code));
        return outcomes;
      },
    });
    const remote = proxy<{ use(...args: unknown[]): Promise<unknown[]> }>(here);
    const outcomes = await remote.use(
      () => {
        throw new Error('no');
      },
      {
        async *items() {
          yield 1;
          yield 2;
        },
        twice: async (f: (n: number) => Promise<number>) => f(await f(5)),
        hang: () => new Promise(() => undefined),
      },
    );
    expect(outcomes).toEqual(['no', 1, 2, 20, 'ERR_AIOPIPE_TIMEOUT']);
  });
});

test('the arguments that the caller gave are not changed', async () => {
  await withPair(async (here, there) => {
    expose(there, { use: (options: object) => Object.keys(options) });
    const options = { log: () => undefined, level: 3 };
    const { log } = options;
    const remote = proxy<{ use(options: object): string[] }>(here);
    expect(await remote.use(options)).toEqual(['log', 'level']);
    expect(options).toEqual({ log, level: 3 });
  });
});

test('a retained function is released by disposal, and when it is collected', async () => {
  await withPair(async (raw, there) => {
    const kept: (Listener & Disposable)[] = [];
    expose(there, { keep: (listener: Listener) => void kept.push(retain(listener)) });
    const keep = async (id: number, functionId: number) => {
      await raw.put([CALL, id, 'keep', [null], [[0, functionId]]]);
      expect([await raw.get(), await raw.get()]).toEqual([
        [RETAIN, functionId],
        [RESULT, id],
      ]);
    };
    await keep(1, 7);
    kept[0]?.[Symbol.dispose]();
    expect(await raw.get()).toEqual([RELEASE, 7]);
    expect((await errorOf((kept[0] as Listener)(1))).message).toMatch(/the function was released$/);
    kept[0]?.[Symbol.dispose]();
    await keep(2, 8);
    kept.length = 0;
    let message: { value: unknown } | undefined;
    await until('the function is released', async () => {
      await collectGarbage();
      message = raw.tryGet();
      return message !== undefined;
    });
    expect(message?.value).toEqual([RELEASE, 8]);
  });
});

test('only a function that came with a call can be retained', () => {
  for (const wrong of [() => 1, undefined, null, 3, {}]) {
    expect(thrownBy(() => retain(wrong as never)).message).toMatch(
      /^retain: expected a function that came with a call, not /,
    );
  }
});

describe('a peer that calls functions by raw messages', () => {
  test('reaches those of open calls and retained ones alone', async () => {
    await withPair(async (here, raw) => {
      const calls: unknown[] = [];
      const remote = proxy<{ use(f: (n: number) => void): Promise<void> }>(here);
      const first = remote.use((n) => void calls.push(n));
      expect(await raw.get()).toEqual([CALL, 1, 'use', [null], [[0, 1]]]);
      let id = 0;
      const call = async (functionId: unknown) => {
        await raw.put([CALL, ++id, functionId, [functionId]]);
        return ((await raw.get()) as [number])[0];
      };
      expect(await call(1)).toBe(RESULT);
      for (const forged of [2, 0, -1, 1.5, 2 ** 53]) expect(await call(forged)).toBe(ERROR);
      await raw.put([RESULT, 1]);
      await first;
      expect(await call(1)).toBe(ERROR);

      const second = remote.use((n) => void calls.push(n));
      await raw.get();
      await raw.put([RETAIN, 2]);
      await raw.put([RETAIN, 99]);
      await raw.put([RESULT, 2]);
      await second;
      expect(await call(2)).toBe(RESULT);
      await raw.put([RELEASE, 2]);
      await raw.put([RELEASE, 2]);
      expect(await call(2)).toBe(ERROR);
      expect(calls).toEqual([1, 2]);
    });
  });

  test('can keep no more than `maxFunctions`', async () => {
    await withPair(async (here, raw) => {
      const remote = proxy<{ use(f: () => number): Promise<void> }>(here, { maxFunctions: 2 });
      const outcomes: number[] = [];
      for (let id = 1; id <= 4; id++) {
        const call = remote.use(() => id);
        await raw.get();
        await raw.put([RETAIN, id]);
        await raw.put([RESULT, id]);
        await call;
      }
      for (let id = 1; id <= 4; id++) {
        await raw.put([CALL, id, id, []]);
        outcomes.push(((await raw.get()) as [number])[0]);
      }
      expect(outcomes).toEqual([RESULT, RESULT, ERROR, ERROR]);
    });
  });
});

test('a call whose arguments cannot be sent lends no function', async () => {
  await withPair(async (here, raw) => {
    const remote = proxy<{ use(...args: unknown[]): Promise<void> }>(here);
    await errorOf(remote.use(() => 1, Symbol('s')));
    expect((await errorOf(remote.use(...Array.from({ length: 1001 }, () => () => 1)))).message).toBe(
      'args: a call can have 1000 functions, not 1001',
    );
    await raw.put([CALL, 1, 1, []]);
    expect(((await raw.get()) as [number])[0]).toBe(ERROR);
  });
});

test('a function outlives no call that was cancelled', async () => {
  await withPair(async (here, there) => {
    const got = gate<Listener>();
    expose(there, {
      use: (listener: Listener) => {
        got.open(listener);
        return new Promise<void>(() => undefined);
      },
    });
    const cancel = new AbortController();
    let calls = 0;
    const remote = proxy<{ use(listener: Listener): Promise<void> }>(here);
    const call = remote.use.with({ signal: cancel.signal })(async (n) => (calls += n));
    const listener = await got.promise;
    expect(await listener(1)).toBe(1);
    cancel.abort();
    await errorOf(call);
    expect(await errorOf(listener(1))).toMatchObject({ code: 'ERR_AIOPIPE_CLOSED' });
    expect(calls).toBe(1);
    await turns();
  });
});

import { afterAll, describe, expect, test } from 'vitest';
import { AsyncLocalStorage } from 'node:async_hooks';
import { leakCheck } from '@aiopipe/testing';
import { callSignal, expose, proxy } from '@aiopipe/codec';
import {
  CALL,
  CANCEL,
  codecs,
  CREDIT,
  errorOf,
  gate,
  ITEM,
  soon,
  STREAM,
  thrownBy,
  turns,
  withPair,
} from './helpers.js';

afterAll(leakCheck());

/** An object whose calls wait for their signal, and what they heard. */
function waiter() {
  const heard: unknown[] = [];
  const started: (() => void)[] = [];
  return {
    heard,
    begun: (count: number) =>
      new Promise<void>((resolve) => {
        started.push(() => {
          if (--count === 0) resolve();
        });
      }),
    object: {
      wait: () =>
        new Promise<void>((resolve) => {
          const signal = callSignal();
          signal.addEventListener('abort', () => {
            heard.push(signal.reason);
            resolve();
          });
          for (const note of started) note();
        }),
    },
  };
}

describe.each(codecs)('over a channel of %s', (_name, options) => {
  test('an abort rejects the call, and aborts callSignal() on the other side with the reason', async () => {
    await withPair(async (here, there) => {
      const { heard, begun, object } = waiter();
      expose(there, object);
      const remote = proxy<typeof object>(here);
      const cancel = new AbortController();
      const running = begun(1);
      const call = remote.wait.with({ signal: cancel.signal })();
      await running;
      cancel.abort(new RangeError('enough'));
      const error = await errorOf(call);
      expect(error).toMatchObject({ code: 'ABORT_ERR', cause: { message: 'enough' } });
      expect(error.message).toMatch(/wait\(\) was not answered: the operation was aborted$/);
      const other = begun(1);
      void remote.wait();
      await other;
      expect(heard).toMatchObject([{ name: 'RangeError', message: 'enough' }]);
    }, options);
  });

  test('a timeout does the same', async () => {
    await withPair(async (here, there) => {
      const { heard, object } = waiter();
      expose(there, { ...object, one: () => 1 });
      const remote = proxy<typeof object & { one(): number }>(here);
      const error = await errorOf(remote.wait.with({ timeout: 10 })());
      expect(error).toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
      expect(error.message).toMatch(/^channel end made at .*: wait\(\) was not answered within 10 ms$/);
      expect(error.stack).toContain('cancel.test.ts');
      await remote.one();
      expect(heard).toMatchObject([{ code: 'ERR_AIOPIPE_TIMEOUT' }]);
    }, options);
  });
});

test('a signal that is aborted already makes no call', async () => {
  await withPair(async (here, there) => {
    let calls = 0;
    expose(there, { one: () => ++calls });
    const remote = proxy<{ one(): number }>(here);
    expect(await errorOf(remote.one.with({ signal: AbortSignal.abort() })())).toMatchObject({ code: 'ABORT_ERR' });
    expect(await remote.one.with({ timeout: 5000, signal: new AbortController().signal })()).toBe(1);
  });
});

test('wrong options throw TypeError at once', async () => {
  await withPair(async (here) => {
    const remote = proxy<{ one(): number }>(here);
    const call = (options: object) => thrownBy(() => remote.one.with(options));
    expect(call({ timout: 1 }).message).toBe('timout: unknown option; did you mean timeout?');
    expect(call({ timeout: -1 })).toBeInstanceOf(TypeError);
    expect(call({ signal: 3 })).toBeInstanceOf(TypeError);
  });
});

test('the end of the channel aborts the signals of all calls with its reason', async () => {
  await withPair(async (here, there) => {
    const { heard, begun, object } = waiter();
    expose(there, object);
    const remote = proxy<typeof object>(here);
    const running = begun(10);
    for (let i = 0; i < 10; i++) void remote.wait();
    await running;
    here[Symbol.dispose]();
    await there.closed.catch(() => undefined);
    await turns();
    expect(heard).toHaveLength(10);
    expect(heard[0]).toMatchObject({ code: 'ERR_AIOPIPE_END_OF_STREAM' });
  });
});

describe('callSignal()', () => {
  test('is the one of its own call, also after an await and in functions that the call calls', async () => {
    await withPair(async (here, there) => {
      const signals = new Map<number, AbortSignal>();
      const helper = async () => {
        await turns(1);
        return callSignal();
      };
      expose(there, {
        async run(id: number) {
          const first = callSignal();
          signals.set(id, first);
          await turns(1 + (id % 3));
          if (callSignal() !== first) throw new Error('another signal after an await');
          if ((await helper()) !== first) throw new Error('another signal in a helper');
          return id;
        },
        async *items(id: number) {
          const first = callSignal();
          for (let i = 0; i < 5; i++) {
            await turns(1 + (id % 2));
            if (callSignal() !== first) throw new Error('another signal in a generator');
            yield i;
          }
        },
      });
      const remote = proxy<{ run(id: number): Promise<number>; items(id: number): AsyncGenerator<number> }>(here);
      const sum = async (id: number) => {
        let total = 0;
        for await (const item of remote.items(id)) total += item;
        return total;
      };
      const ids = Array.from({ length: 20 }, (_, i) => i);
      expect(await Promise.all(ids.map((id) => remote.run(id)))).toEqual(ids);
      expect(await Promise.all(ids.map(sum))).toEqual(ids.map(() => 10));
      expect(new Set(signals.values()).size).toBe(20);
    });
  });

  test('outside of a call never aborts', () => {
    expect(callSignal().aborted).toBe(false);
    expect(callSignal()).not.toBe(callSignal());
  });

  test('is aborted already if the call was cancelled before it asked', async () => {
    await withPair(async (raw, there) => {
      const aborted = gate<boolean>();
      expose(there, {
        *items() {
          try {
            yield 1;
          } finally {
            aborted.open(callSignal().aborted);
          }
        },
      });
      await raw.put([CALL, 1, 'items', []]);
      await raw.put([CREDIT, 1, 1]);
      expect(await raw.get()).toEqual([STREAM, 1]);
      expect(await raw.get()).toEqual([ITEM, 1, 1]);
      await raw.put([CANCEL, 1]);
      expect(await soon(aborted.promise, 'the finally of the generator')).toBe(true);
    });
  });
});

test('what a call enters with AsyncLocalStorage.enterWith() stays in that call', async () => {
  const storage = new AsyncLocalStorage<number>();
  await withPair(async (here, there) => {
    expose(there, {
      enter: (value: number) => {
        const before = storage.getStore();
        storage.enterWith(value);
        return before;
      },
    });
    const remote = proxy<{ enter(value: number): number | undefined }>(here);
    expect(await Promise.all([remote.enter(1), remote.enter(2)])).toEqual([undefined, undefined]);
    expect(await remote.enter(3)).toBeUndefined();
  });
});

test('a result that comes after the abort is dropped, and settles nothing twice', async () => {
  await withPair(async (here, there) => {
    const results = gate<number>();
    expose(there, { wait: () => results.promise, one: () => 1 });
    const remote = proxy<{ wait(): Promise<number>; one(): number }>(here);
    for (let round = 0; round < 50; round++) {
      const cancel = new AbortController();
      const call = remote.one.with({ signal: cancel.signal })();
      if (round % 2 === 0) await Promise.resolve();
      else await turns(1);
      cancel.abort();
      const outcome = await call.catch((error: unknown) => (error as { code: string }).code);
      expect([1, 'ABORT_ERR']).toContain(outcome);
    }
    const cancel = new AbortController();
    const call = remote.wait.with({ signal: cancel.signal })();
    await remote.one();
    cancel.abort();
    expect(await errorOf(call)).toMatchObject({ code: 'ABORT_ERR' });
    results.open(7);
    expect(await soon(remote.one(), 'a call after a late result')).toBe(1);
  });
});

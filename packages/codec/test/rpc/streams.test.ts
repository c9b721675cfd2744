import { afterAll, describe, expect, test } from 'vitest';
import { EventEmitter, on } from 'node:events';
import { collectGarbage, leakCheck, until } from '@aiopipe/testing';
import { callSignal, expose, proxy } from '@aiopipe/codec';
import {
  CALL,
  CANCEL,
  CREDIT,
  errorOf,
  gate,
  isPending,
  ITEM,
  RESULT,
  soon,
  STREAM,
  turns,
  withPair,
} from './helpers.js';

afterAll(leakCheck());

/** A generator without end that counts how far it went, and tells when its `finally` runs. */
function endless() {
  const ended = gate();
  const state = { yielded: 0, ended: ended.promise };
  return {
    state,
    *items(): Generator<number, void> {
      try {
        for (;;) yield state.yielded++;
      } finally {
        ended.open();
      }
    },
  };
}

describe('a generator', () => {
  test('yields no more than the window before its items are taken', async () => {
    await withPair(async (here, there) => {
      const { state, items } = endless();
      expose(there, { items });
      const remote = proxy<{ items: typeof items }>(here, { window: 8 });
      const generator = remote.items();
      await generator.next();
      await turns(20);
      expect(state.yielded).toBeLessThanOrEqual(9);
      for (let i = 1; i < 100; i++) expect((await generator.next()).value).toBe(i);
      await turns(20);
      expect(state.yielded).toBeLessThanOrEqual(100 + 8);
      await generator.return(undefined);
      await soon(state.ended, 'the end');
    });
  });

  test('is not begun before its first item is asked for', async () => {
    await withPair(async (here, there) => {
      let begun = false;
      expose(there, {
        *items() {
          begun = true;
          yield 1;
        },
      });
      const generator = proxy<{ items(): Generator<number> }>(here).items();
      await (generator as unknown as Promise<unknown>);
      await turns();
      expect(begun).toBe(false);
      expect((await generator.next()).value).toBe(1);
      expect(begun).toBe(true);
      await generator.return(undefined);
    });
  });

  test('that is left early runs its finally', async () => {
    await withPair(async (here, there) => {
      const { state, items } = endless();
      expose(there, { items });
      for await (const item of proxy<{ items: typeof items }>(here).items()) if (item === 20) break;
      await soon(state.ended, 'the end');
    });
  });

  test('that is left early by an exception of the loop runs its finally, and the exception arrives', async () => {
    await withPair(async (here, there) => {
      const { state, items } = endless();
      expose(there, { items });
      const error = await errorOf(
        (async () => {
          for await (const item of proxy<{ items: typeof items }>(here).items()) throw new Error(`at ${String(item)}`);
        })(),
      );
      expect(error.message).toBe('at 0');
      await soon(state.ended, 'the end');
    });
  });

  test.each(['abort', 'timeout', 'dispose'])('that is ended by %s runs its finally', async (how) => {
    await withPair(async (here, there) => {
      const ended = gate();
      expose(there, {
        async *items() {
          const signal = callSignal();
          try {
            yield 1;
            await new Promise((resolve) => signal.addEventListener('abort', resolve));
          } finally {
            ended.open();
          }
        },
      });
      const remote = proxy<{ items(): AsyncGenerator<number> }>(here);
      const cancel = new AbortController();
      // Long enough for the first item on a busy machine: only what waits after it may end by the timeout.
      const items = remote.items.with({ signal: cancel.signal, ...(how === 'timeout' && { timeout: 1000 }) })();
      expect((await items.next()).value).toBe(1);
      const next = items.next();
      if (how === 'abort') cancel.abort();
      if (how === 'dispose') await items[Symbol.asyncDispose]();
      if (how === 'dispose') expect(await next).toEqual({ done: true, value: undefined });
      else {
        expect(await errorOf(next)).toMatchObject({ code: how === 'abort' ? 'ABORT_ERR' : 'ERR_AIOPIPE_TIMEOUT' });
      }
      await soon(ended.promise, 'the end');
      expect(await items.next()).toEqual({ done: true, value: undefined });
    });
  });

  test('that the program drops runs its finally once it is collected', async () => {
    await withPair(async (here, there) => {
      const { state, items } = endless();
      expose(there, { items });
      const remote = proxy<{ items: typeof items; ping(): void }>(here);
      await (async () => {
        const generator = remote.items();
        await generator.next();
      })();
      let hasEnded = false;
      void state.ended.then(() => (hasEnded = true));
      await until('the dropped generator ends', async () => {
        await collectGarbage();
        return hasEnded;
      });
    });
  });

  test('that waits when its peer goes runs its finally', async () => {
    await withPair(async (here, there) => {
      const { state, items } = endless();
      expose(there, { items });
      const generator = proxy<{ items: typeof items }>(here).items();
      await generator.next();
      here[Symbol.dispose]();
      await soon(state.ended, 'the end');
    });
  });

  test('that throws rejects one next(), after the items before', async () => {
    await withPair(async (here, there) => {
      expose(there, {
        async *items() {
          yield 1;
          yield 2;
          throw new RangeError('no third');
        },
      });
      const items = proxy<{ items(): AsyncGenerator<number> }>(here).items();
      const outcomes = await Promise.allSettled([items.next(), items.next(), items.next(), items.next()]);
      expect(outcomes).toMatchObject([
        { value: { value: 1 } },
        { value: { value: 2 } },
        { reason: { message: 'no third' } },
        { value: { done: true } },
      ]);
    });
  });

  test('whose item cannot be sent is ended, and its finally runs', async () => {
    await withPair(async (here, there) => {
      const ended = gate();
      expose(there, {
        *items() {
          try {
            yield { inner: Symbol('s') };
          } finally {
            ended.open();
          }
        },
      });
      const items = proxy<{ items(): Generator<unknown> }>(here).items();
      expect(await errorOf(items.next())).toMatchObject({ code: 'ERR_AIOPIPE_ENCODE', path: 'item.inner' });
      await soon(ended.promise, 'the end');
    });
  });

  test('of another kind than a generator function is taken, too, and ended while it waits', async () => {
    await withPair(async (here, there) => {
      const emitter = new EventEmitter();
      expose(there, { events: () => on(emitter, 'event') });
      const events = proxy<{ events(): AsyncGenerator<[number]> }>(here).events();
      const first = events.next();
      expect(await isPending(first)).toBe(true);
      emitter.emit('event', 1);
      expect(await first).toEqual({ done: false, value: [1] });
      await events.return(undefined);
      await until('it listens no more', () => emitter.listenerCount('event') === 0);
    });
  });

  test('that a method resolves with is one, too', async () => {
    await withPair(async (here, there) => {
      const { items } = endless();
      expose(there, { open: async () => Promise.resolve(items()) });
      const generator = await proxy<{ open(): Promise<Generator<number>> }>(here).open();
      expect([(await generator.next()).value, (await generator.next()).value]).toEqual([0, 1]);
      await (generator as unknown as AsyncGenerator).return(undefined);
    });
  });

  test('can be handed on by a process between', async () => {
    await withPair(async (here, middle) => {
      await withPair(async (inner, there) => {
        const { state, items } = endless();
        expose(there, { items });
        const source = proxy<{ items: typeof items }>(inner);
        expose(middle, { items: () => source.items() });
        const got: number[] = [];
        for await (const item of proxy<{ items: typeof items }>(here).items()) if (got.push(item) === 30) break;
        expect(got.at(-1)).toBe(29);
        await soon(state.ended, 'the end of the source');
      });
    });
  });

  test('without a wait in it lets timers run', async () => {
    await withPair(async (here, there) => {
      const { items } = endless();
      expose(there, { items });
      let isLate = false;
      setTimeout(() => (isLate = true), 5);
      for await (const item of proxy<{ items: typeof items }>(here).items()) if (isLate || item > 5_000_000) break;
      expect(isLate).toBe(true);
    });
  });
});

test('iterating over a method that is no generator is an error that says what to do', async () => {
  await withPair(async (here, there) => {
    expose(there, { list: () => [1, 2] });
    const remote = proxy<{ list(): AsyncGenerator<number> }>(here);
    expect((await errorOf(remote.list().next())).message).toBe(
      'list() returned no generator: await it, without for await',
    );
    expect(await (remote.list() as unknown as Promise<number[]>)).toEqual([1, 2]);
  });
});

test('a loop that begins after the call has failed, or was never made, rejects with the reason', async () => {
  await withPair(async (here, there) => {
    expose(there, { fail: () => Promise.reject(new Error('no')), list: () => [1] });
    const remote = proxy<Record<'fail' | 'list' | 'missing', () => AsyncGenerator<number>>>(here);
    const calls = [remote.fail(), remote.list(), remote.missing()];
    await Promise.allSettled(calls);
    here[Symbol.dispose]();
    calls.push(remote.list());
    const messages = await Promise.all(calls.map((call) => errorOf(call.next())));
    expect(messages.map(({ message }) => message)).toEqual([
      'no',
      'list() returned no generator: await it, without for await',
      "'missing': the exposed object has no such method; getters and fields are no methods",
      expect.stringMatching(/^channel end made at .* was closed$/),
    ]);
  });
});

test('a stream of 1 GB takes bounded memory on both sides', async () => {
  await withPair(async (here, there) => {
    const chunk = Buffer.alloc(256 * 1024, 'x');
    const total = 1024 * 1024 * 1024;
    expose(there, {
      *bytes() {
        for (let sent = 0; sent < total; sent += chunk.length) yield chunk;
      },
    });
    const before = process.memoryUsage.rss();
    let most = 0;
    let received = 0;
    for await (const bytes of proxy<{ bytes(): Generator<Buffer> }>(here).bytes()) {
      received += bytes.length;
      most = Math.max(most, process.memoryUsage.rss() - before);
    }
    expect(received).toBe(total);
    expect(most).toBeLessThan(200 * 1024 * 1024);
  });
});

test('credits of a raw peer are kept to: an item for each, and none for the rest', async () => {
  await withPair(async (raw, there) => {
    const { state, items } = endless();
    expose(there, { items });
    await raw.put([CALL, 1, 'items', []]);
    expect(await raw.get()).toEqual([STREAM, 1]);
    await raw.put([CREDIT, 1, 2]);
    expect([await raw.get(), await raw.get()]).toEqual([
      [ITEM, 1, 0],
      [ITEM, 1, 1],
    ]);
    await turns(20);
    expect(raw.tryGet()).toBeUndefined();
    await raw.put([CANCEL, 1]);
    await soon(state.ended, 'the end');
    // A cancelled call is not answered: the next message is that of the next call.
    await raw.put([CALL, 2, 'items', []]);
    await raw.put([CANCEL, 2]);
    await raw.put([CALL, 3, 'none', []]);
    const rest: unknown[] = [];
    for (let kind = 0; kind !== 3;) {
      const message = (await raw.get()) as [number, number];
      rest.push(message.slice(0, 2));
      kind = message[0];
    }
    expect(rest.at(-1)).toEqual([3, 3]);
    expect(rest).not.toContainEqual([RESULT, 2]);
  });
});

import { afterAll, describe, expect, test } from 'vitest';
import { Pool } from '@aiopipe/process';
import { leakCheck } from '@aiopipe/testing';
import { enter, enterAndYield, giveBack, storage, Witness } from '../fixtures/enters-contexts.js';

afterAll(leakCheck());

describe('a task sees no context that another one has entered', () => {
  test('in a worker that does them one by one, or has them ahead of time', async () => {
    await using pool = new Pool(enter, { size: 1 });
    const names = ['a', 'b', 'c', 'd'];
    for (const name of names) expect(await pool.run(name)).toEqual({ before: undefined, then: name });
    const all = await Promise.all(names.map((name) => pool.run(name)));
    expect(all).toEqual(names.map((then) => ({ before: undefined, then })));
  });

  test('that has failed', async () => {
    await using pool = new Pool(enter, { size: 1 });
    await expect(pool.run('a', true)).rejects.toThrow('undefined');
    await expect(pool.run('b', true)).rejects.toThrow('undefined');
    expect(await pool.run('c')).toEqual({ before: undefined, then: 'c' });
  });

  test('of a stream that ended, or was left', async () => {
    await using pool = new Pool(enterAndYield, { size: 1 });
    for (const name of ['a', 'b']) {
      const seen: unknown[] = [];
      for await (const context of pool.stream(name)) seen.push(context);
      expect(seen).toEqual([undefined, name]);
    }
    for await (const context of pool.stream('c')) if (context !== undefined) break;
    for await (const context of pool.stream('d')) {
      expect(context).toBeUndefined();
      break;
    }
  });
});

describe('a caller’s context is its own', () => {
  test('after its task, also if that failed', async () => {
    await using pool = new Pool(enter, { size: 1 });
    const inContext = (name: string) =>
      storage.run(name, async () => {
        await pool.run('x', name === 'b').catch(() => undefined);
        return storage.getStore();
      });
    expect(await Promise.all(['a', 'b', 'c'].map(inContext))).toEqual(['a', 'b', 'c']);
  });

  test('if its worker also runs tasks of other callers', async () => {
    Witness.sentIn.length = 0;
    await using pool = new Pool(giveBack, { size: { max: 1 } });
    const inContext = (name: string) => storage.run(name, () => pool.run(new Witness(name), 2));
    // The first one starts the worker; some wait in the queue, and some are sent ahead.
    const witnesses = await Promise.all(Array.from({ length: 40 }, (_, i) => inContext(String(i))));
    for (const { builtIn } of witnesses) expect(builtIn).toBeUndefined();
    expect(Witness.sentIn.length).toBeGreaterThanOrEqual(40);
    for (const sent of Witness.sentIn) expect(sent).toMatch(/^(\d+) in (undefined|\1)$/);
  });

  test('in the loop over a map and in the source of its items', async () => {
    await using pool = new Pool(enter, { size: 2 });
    const seen: unknown[] = [];
    async function* source() {
      for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
        seen.push(storage.getStore());
        yield name;
      }
    }
    await storage.run('mine', async () => {
      for await (const { then } of pool.map(source(), { concurrency: 2 })) seen.push(then && storage.getStore());
    });
    expect(seen).toEqual(Array.from({ length: 12 }, () => 'mine'));
  });
});

import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { Pool, target } from '@aiopipe/process';
import { fixture, leakCheck } from '@aiopipe/testing';
import { perform, square } from '../fixtures/does-tasks.js';
import { double, join, pidHere } from '../fixtures/is-a-target-of-many.js';
import { countAtOnce } from '../fixtures/streams-items.js';
import { errorOf, linesOf, scratchFiles, thrownBy } from '../helpers.js';

const { newFile, remove } = scratchFiles();
const checkLeaks = leakCheck();
afterAll(async () => {
  remove();
  await checkLeaks();
});

const failsToLoad = target(pathToFileURL(fixture('fails-to-load')).href, 'missing', () => undefined);

async function listOf<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe('a pool of several targets', () => {
  test('runs, maps and streams each of them in the same children', async () => {
    await using pool = new Pool({ size: 1 });
    expect(await pool.of(double).run(4)).toBe(8);
    expect(await pool.of(square).run(4)).toBe(16);
    expect(await listOf(pool.of(double).map([1, 2, 3]))).toEqual([2, 4, 6]);
    expect(await listOf(pool.of(countAtOnce).stream(3))).toEqual([0, 1, 2]);
    expect(await pool.of(perform).run('pid')).toBe(await pool.of(pidHere).run());
    await pool.close();
  });

  test('mixes them in the order of the calls, also if they are sent ahead', async () => {
    await using pool = new Pool({ size: 2 });
    const calls = Array.from({ length: 200 }, (_, n) => (n % 2 === 0 ? pool.of(double) : pool.of(square)).run(n));
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 200 }, (_, n) => (n % 2 === 0 ? n * 2 : n * n)));
  });

  test('loads a module in a child with its first task there, once', async () => {
    const file = newFile();
    await using pool = new Pool({ size: 1, options: { env: { ...process.env, LOADED_BY: file } } });
    const pid = await pool.of(perform).run('pid');
    expect(linesOf(file)).toEqual([]);
    await pool.of(double).run(1);
    await pool.of(join).run('a', 'b');
    expect(linesOf(file)).toEqual([String(pid)]);
  });

  test('rejects the task of a module that cannot be loaded, and goes on', async () => {
    await using pool = new Pool({ size: 1 });
    const pid = await pool.of(pidHere).run();
    for (let time = 0; time < 2; time++)
      expect(await errorOf(pool.of(failsToLoad).run())).toMatchObject({ message: 'not today', code: 'E_NOT_TODAY' });
    const missing = { ...double, name: 'nothing' };
    expect((await errorOf(pool.of(missing).run(1))).message).toContain('no target and no exported function "nothing"');
    expect(await pool.of(pidHere).run()).toBe(pid);
  });

  test('tells a child that replaces another one of the targets again', async () => {
    await using pool = new Pool({ size: 1, retries: 1 });
    expect(await pool.of(double).run(1)).toBe(2);
    expect(await pool.of(perform).run('die-once', newFile())).toBe('second time');
    expect(await pool.of(double).run(2)).toBe(4);
  });

  test('has options of its calls, which name the target in their errors', async () => {
    await using pool = new Pool({ size: 1 });
    await pool.of(perform).run('pid');
    const error = await errorOf(pool.of(perform).with({ timeout: 20 }).run('hang'));
    expect(error.message).toBe('the task perform of the pool of several targets was not done within 20 ms');
  });

  test('has no calls of its own', async () => {
    await using pool = new Pool({ size: 1 });
    const calls = pool as unknown as Pool<[number], number>;
    for (const call of [() => calls.run(1), () => calls.map([1]), () => calls.stream(1), () => calls.with({})])
      expect(thrownBy(call).message).toContain('call pool.of(target)');
  });
});

describe('pool.of()', () => {
  test('of a pool with a target adds another one', async () => {
    await using pool = new Pool(square, { size: 1 });
    expect(await Promise.all([pool.run(3), pool.of(double).run(3), pool.of(square).run(4)])).toEqual([9, 6, 16]);
  });

  test('refuses what is no target', async () => {
    await using pool = new Pool({ size: 1 });
    expect(thrownBy(() => pool.of(square.run as never))).toBeInstanceOf(TypeError);
  });

  test.each([
    ['a URL', [new URL(square.url)]],
    ['a URL before options', [new URL(square.url), { size: 1 }]],
    ['a text', [square.url]],
    ['a function', [square.run]],
    ['an object before options', [{ size: 1 }, { size: 2 }]],
  ])('refuses %s as a target, and says what makes one', (_name, args) => {
    const error = thrownBy(() => new Pool(...(args as [])));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain('new Pool(): expected a target(), not ');
    expect(error.message).toContain('target(import.meta.url,');
  });
});

describe('map() with spread', () => {
  test('calls a target with the arguments in each item', async () => {
    await using pool = new Pool(join, { size: 2 });
    const items = [
      ['a', 'b'],
      ['c', 'd'],
    ] as [string, string][];
    expect(await listOf(pool.map(items, { spread: true }))).toEqual(['a-b', 'c-d']);
  });

  test('ends with a TypeError at an item that is no array', async () => {
    await using pool = new Pool(join, { size: 1 });
    const results = pool.map(['a' as never], { spread: true });
    expect((await errorOf(results.next())).message).toContain('expected arrays of arguments');
  });
});

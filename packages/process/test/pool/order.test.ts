import { writeFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { Pool } from '@aiopipe/process';
import { leakCheck, until } from '@aiopipe/testing';
import { perform, square, take } from '../fixtures/does-tasks.js';
import { childrenNamed, linesOf, scratchFiles, thrownBy } from '../helpers.js';

const { newFile, remove } = scratchFiles();
const checkLeaks = leakCheck();
afterAll(async () => {
  remove();
  await checkLeaks();
});

/** Resolves when the only worker of the pool is taken; call what it resolves with to free the worker. */
async function occupy(pool: Pool<[what: string, detail?: unknown], unknown>): Promise<() => void> {
  const gate = newFile();
  const taken = pool.run('until-there', gate);
  await until('the worker has begun it', () => linesOf(`${gate}.begun`).length === 1);
  return () => {
    writeFileSync(gate, '');
    void taken;
  };
}

describe('a task’s priority', () => {
  test('brings it before those that wait, and equal ones keep their order', async () => {
    await using pool = new Pool(perform, { size: 1 });
    const free = await occupy(pool);
    const order: string[] = [];
    const ask = async (name: string, priority: number) =>
      order.push(String(await pool.with({ priority }).run('', name)));
    const asked = [ask('a', 0), ask('low', -60), ask('b', 0), ask('top', 1000), ask('mid', 500), ask('mid2', 500)];
    free();
    await Promise.all(asked);
    // Two tasks of one priority may be asked for in one millisecond.
    expect(order).toEqual(['top', 'mid', 'mid2', 'a', 'b', 'low']);
  });

  test('is outweighed by waiting', async () => {
    await using pool = new Pool(perform, { size: 1 });
    const free = await occupy(pool);
    const order: string[] = [];
    const ask = async (name: string, priority: number) =>
      order.push(String(await pool.with({ priority }).run('', name)));
    const first = ask('first', 0);
    const calledAt = performance.now();
    await until('the first has waited for longer', () => performance.now() - calledAt > 20);
    const second = ask('second', 0.01);
    free();
    await Promise.all([first, second]);
    expect(order).toEqual(['first', 'second']);
  });

  test('does not matter for a cancelled task', async () => {
    await using pool = new Pool(perform, { size: 1 });
    const free = await occupy(pool);
    const controllers = Array.from({ length: 20 }, () => new AbortController());
    const tasks = controllers.map(({ signal }, n) => pool.with({ signal, priority: (n * 7) % 20 }).run('', n));
    const outcomes = Promise.allSettled(tasks);
    for (const [n, controller] of controllers.entries()) if (n % 3 === 0) controller.abort();
    free();
    for (const [n, { status }] of (await outcomes).entries())
      expect(status).toBe(n % 3 === 0 ? 'rejected' : 'fulfilled');
  });
});

describe('tasks with a key', () => {
  test('go to one worker each key, and keys are spread over the workers', async () => {
    await using pool = new Pool(perform, { size: 2 });
    await until('both are there', () => pool.stats.workers.idle === 2);
    const pidOf = new Map<string, unknown>();
    for (const key of ['a', 'b']) pidOf.set(key, await pool.with({ key }).run('pid'));
    expect(new Set(pidOf.values()).size).toBe(2);
    const keys = Array.from({ length: 100 }, (_, n) => (n % 3 === 0 ? 'a' : 'b'));
    const pids = await Promise.all(keys.map((key) => pool.with({ key }).run('pid')));
    expect(pids).toEqual(keys.map((key) => pidOf.get(key)));
  });

  test('wait for their worker, and others do not', async () => {
    await using pool = new Pool(perform, { size: 2 });
    const gate = newFile();
    const taken = pool.with({ key: 7 }).run('until-there', gate);
    await until('one worker is taken', () => linesOf(`${gate}.begun`).length === 1);
    const order: string[] = [];
    const waits = pool
      .with({ key: 7 })
      .run('pid')
      .then((pid) => order.push('keyed') && pid);
    const others = await Promise.all(Array.from({ length: 10 }, () => pool.run('pid')));
    order.push('others');
    expect(pool.stats).toMatchObject({ queued: 1, workers: { idle: 1 } });
    writeFileSync(gate, '');
    expect(await waits).toBe(await taken);
    expect(others).not.toContain(await taken);
    expect(order).toEqual(['others', 'keyed']);
  });

  test('go to another worker after the end of theirs, in their order', async () => {
    const log = newFile();
    await using pool = new Pool(take, { size: 2, retries: 1 });
    const calls = pool.with({ key: 'k' });
    const gate = newFile();
    const first = calls.run({ log, gate, value: 0 });
    await until('it has begun', () => linesOf(log).length === 1);
    const rest = [1, 2, 3, 4, 5].map((value) => calls.run({ log, value }));
    const pid = Number(await pool.of(perform).with({ key: 'other' }).run('pid'));
    for (const worker of childrenNamed(/^take-\d+$/)) if (worker !== pid) process.kill(worker, 'SIGKILL');
    writeFileSync(gate, '');
    expect(await Promise.all([first, ...rest])).toEqual([0, 1, 2, 3, 4, 5]);
    expect(linesOf(log)).toEqual(['0', '0', '1', '2', '3', '4', '5']);
  });

  test('count for the limit of the queue', async () => {
    await using pool = new Pool(perform, { size: 2, queueLimit: 2 });
    await until('both are there', () => pool.stats.workers.idle === 2);
    const calls = pool.with({ key: 'k' });
    const tasks = Array.from({ length: 12 }, () => calls.run('hang').catch((error: unknown) => error));
    const settled = await Promise.race([Promise.any(tasks), tasks[11]]);
    expect(settled).toMatchObject({ code: 'ERR_AIOPIPE_QUEUE_FULL' });
  });
});

test.each([
  ['priority', { priority: NaN }],
  ['priority', { priority: Infinity }],
  ['priority', { priority: '1' as never }],
  ['key', { key: {} as never }],
  ['key', { key: NaN }],
])('a bad %s of a task is refused', async (name, options) => {
  await using pool = new Pool(square, { size: 1 });
  const error = thrownBy(() => pool.with(options));
  expect(error).toBeInstanceOf(TypeError);
  expect(error.message).toMatch(new RegExp(`^${name}: `));
});

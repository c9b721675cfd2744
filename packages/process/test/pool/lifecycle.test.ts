import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { ClosedError } from '@aiopipe/core';
import { Pool, workerContext, type PoolEvent, type PoolOptions } from '@aiopipe/process';
import { childPids, leakCheck, until } from '@aiopipe/testing';
import { perform, square } from '../fixtures/does-tasks.js';
import { double } from '../fixtures/fails-in-children.js';
import { countUp, failToSetUp, hangAtTeardown, setUp, tearDown, untilCancelled } from '../fixtures/sets-up-workers.js';
import { childrenSince, errorOf, linesOf, scratchFiles, thrownBy } from '../helpers.js';

const { newFile, remove } = scratchFiles();
const checkLeaks = leakCheck();
afterAll(async () => {
  remove();
  await checkLeaks();
});

const logging = (file: string): PoolOptions => ({ size: 1, options: { env: { ...process.env, SETUP_LOG: file } } });

test('a pool whose workers die before they are ready gives up with the reason, however slowly they start', async () => {
  // No two deaths are in one millisecond.
  await using pool = new Pool(double, { size: 1, intensity: 2, period: 1 });
  const error = await errorOf(pool.run(1));
  expect(error.code).toBe('ERR_AIOPIPE_INTENSITY');
  expect(error.message).toContain('more than 2 workers in a row have died before they were ready');
  expect(error.message).toContain('not in a child');
});

describe('setup and teardown', () => {
  test('run once in each worker, and setup’s result is the context of its tasks', async () => {
    const log = newFile();
    const pool = new Pool(countUp, { ...logging(log), setup: setUp, teardown: tearDown });
    expect(await pool.run()).toEqual([true, 1]);
    expect(await pool.run()).toEqual([true, 2]);
    expect(linesOf(log)).toEqual(['set up']);
    await pool.close();
    expect(linesOf(log)).toEqual(['set up', 'torn down after 2']);
  });

  test('run in a worker that replaces another one, and teardown in a recycled one', async () => {
    const log = newFile();
    const pool = new Pool(countUp, { ...logging(log), setup: setUp, teardown: tearDown, maxTasks: 1 });
    for (let n = 0; n < 2; n++) expect(await pool.run()).toEqual([true, 1]);
    await pool.close();
    const lines = linesOf(log);
    expect(lines.filter((line) => line === 'torn down after 1')).toHaveLength(2);
    expect(lines.filter((line) => line === 'set up').length).toBeGreaterThanOrEqual(2);
  });

  test('work for a pool of several targets', async () => {
    await using pool = new Pool({ ...logging(newFile()), setup: setUp });
    expect(await pool.of(countUp).run()).toEqual([true, 1]);
  });

  test('that throw end the worker, and the pool gives up with the reason', async () => {
    await using pool = new Pool(countUp, { size: 1, setup: failToSetUp, intensity: 1, period: Infinity });
    const error = await errorOf(pool.run());
    expect(error.code).toBe('ERR_AIOPIPE_INTENSITY');
    expect(error.message).toContain('no database');
  });

  test.each(['setup', 'teardown'])('refuse a %s that is no target', (name) => {
    const before = childPids();
    const error = thrownBy(() => new Pool(square, { [name]: () => undefined }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(name);
    expect(childrenSince(before)).toEqual([]);
  });
});

test('workerContext() throws outside a worker with a setup', async () => {
  expect(thrownBy(() => workerContext()).code).toBe('ERR_AIOPIPE_NO_CHILD');
  await using pool = new Pool(countUp, { size: 1 });
  expect((await errorOf(pool.run())).code).toBe('ERR_AIOPIPE_NO_CHILD');
});

describe('close({ timeout })', () => {
  test('lets tasks that are done in time end', async () => {
    const pool = new Pool(square, { size: 1 });
    const tasks = Promise.all([1, 2, 3].map((n) => pool.run(n)));
    await pool.close({ timeout: 60_000 });
    expect(await tasks).toEqual([1, 4, 9]);
  });

  test('cancels what is left: tasks that run can end, and those that wait are not begun', async () => {
    const [file, other] = [newFile(), newFile()];
    const pool = new Pool(untilCancelled, { size: 1, cancelGrace: 60_000 });
    const running = errorOf(pool.run(file, true));
    const waiting = errorOf(pool.run(other, true));
    await until('it has begun', () => linesOf(file).length === 1);
    await pool.close({ timeout: 10 });
    const message = 'the pool of untilCancelled was closed, and this task was not done within 10 ms after that';
    for (const error of [await running, await waiting]) {
      expect(error).toBeInstanceOf(ClosedError);
      expect(error.message).toBe(message);
    }
    expect(linesOf(file)).toEqual(['begun', `cancelled: ${message}`]);
    expect(linesOf(other)).toEqual([]);
  });

  test('kills the worker of a task that goes on', async () => {
    const before = childPids();
    const file = newFile();
    const pool = new Pool(untilCancelled, { size: 1, cancelGrace: 20 });
    const task = errorOf(pool.run(file, false));
    await until('it has begun', () => linesOf(file).length === 1);
    await pool.close({ timeout: 0 });
    expect(await task).toBeInstanceOf(ClosedError);
    expect(pool.stats.killed).toBe(1);
    expect(childrenSince(before)).toEqual([]);
  });

  test.each([[{ timeout: -1 }], [{ timeout: '1' as never }], [{ timout: 1 } as never]])(
    'refuses %j',
    async (options) => {
      await using pool = new Pool(square, { size: 1 });
      expect(thrownBy(() => pool.close(options))).toBeInstanceOf(TypeError);
      expect(await pool.run(2)).toBe(4);
    },
  );
});

test.each([
  ['closed', {}],
  ['recycled', { maxTasks: 1 }],
] as const)('disposal terminates a worker that was %s and hangs in its teardown', async (reason, options) => {
  const before = childPids();
  const log = newFile();
  const pool = new Pool(square, { ...logging(log), teardown: hangAtTeardown, ...options });
  const ended: PoolEvent[] = [];
  pool.on('worker-ended', (event) => ended.push(event));
  expect(await pool.run(2)).toBe(4);
  const closed = reason === 'closed' ? pool.close() : undefined;
  await until('it tears down', () => linesOf(log).length === 1);
  await pool[Symbol.asyncDispose]();
  await closed;
  // A worker that overstays the time for its teardown is killed with SIGKILL.
  expect(ended.find(({ worker }) => worker === 'square-1')).toMatchObject({ reason, signalCode: 'SIGTERM' });
  expect(childrenSince(before)).toEqual([]);
});

describe('the events of a pool', () => {
  test('tell of each worker’s start and end, with the reason and its usage', async () => {
    const pool = new Pool(perform, { size: 1 });
    const seen: PoolEvent[] = [];
    const all = (async () => {
      for await (const event of pool.events()) seen.push(event);
    })();
    const [started] = (await once(pool, 'worker-started')) as [PoolEvent];
    const pid = await pool.run('pid');
    expect(started).toMatchObject({ worker: 'perform-1', pid });
    await pool.close();
    await all;
    expect(seen.map(({ type }) => type)).toEqual(['worker-started', 'worker-ended']);
    expect(seen[1]).toMatchObject({
      worker: 'perform-1',
      pid,
      reason: 'closed',
      tasks: 1,
      exitCode: 0,
      error: undefined,
    });
    expect((seen[1] as { usage?: { maxRss: number } }).usage).toBeTypeOf('object');
    expect(Math.abs(Date.now() - started.time)).toBeLessThan(600_000);
  });

  test('tell of a worker that died before another one starts, and of its task that is tried again', async () => {
    await using pool = new Pool(perform, { size: 1, retries: 2 });
    const seen: string[] = [];
    pool.on('worker-started', ({ worker }) => seen.push(`${worker} started`));
    pool.on('worker-ended', ({ worker, reason, signalCode }) => seen.push(`${worker} ${reason} ${String(signalCode)}`));
    pool.on('task-retried', ({ worker, target, retriesLeft, error }) =>
      seen.push(`${target} of ${worker}, ${String(retriesLeft)} left, ${(error as { code?: string }).code ?? ''}`),
    );
    expect(await pool.run('die-once', newFile())).toBe('second time');
    expect(seen).toEqual([
      'perform-1 started',
      'perform-1 died SIGKILL',
      'perform of perform-1, 1 left, ERR_AIOPIPE_NO_RESULT',
      'perform-2 started',
    ]);
  });

  test.each([
    ['recycled', { maxTasks: 1 }, 'pid'],
    ['idle', { size: { max: 1 }, idleTimeout: 1 }, 'pid'],
    ['died', {}, 'die'],
  ] as const)('say that a worker was %s', async (reason, options, what) => {
    await using pool = new Pool(perform, { size: 1, ...options });
    const ended = once(pool, 'worker-ended');
    await pool.run(what).catch(() => undefined);
    expect((await ended)[0]).toMatchObject({ reason });
  });

  test('say that a worker did not end a cancelled task', async () => {
    await using pool = new Pool(perform, { size: 1, cancelGrace: 0 });
    const ended = once(pool, 'worker-ended');
    const cancel = new AbortController();
    const file = newFile();
    const task = pool.with({ signal: cancel.signal }).run('mark-and-hang', file);
    await until('the task runs', () => existsSync(file));
    cancel.abort();
    expect(await errorOf(task)).toMatchObject({ code: 'ABORT_ERR' });
    expect((await ended)[0]).toMatchObject({ reason: 'cancelled', signalCode: 'SIGKILL' });
  });

  test('end with the pool, also for a loop that begins later', async () => {
    const pool = new Pool(square, { size: 1 });
    await pool.close();
    for await (const event of pool.events()) expect.unreachable(event.type);
  });
});

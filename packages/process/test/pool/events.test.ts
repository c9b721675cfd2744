import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool, type PoolEventMessage, type PoolMessage, type PoolTask } from '@aiopipe/process';
import { errorOf, leakCheck, observe, observeTraced, until } from '@aiopipe/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { perform, square } from '../fixtures/does-tasks.js';
import { tellOften } from '../fixtures/tells-its-context.js';

afterAll(leakCheck());

const DONE = ['start', 'end', 'asyncStart', 'asyncEnd'];
const FAILED = ['start', 'end', 'error', 'asyncStart', 'asyncEnd'];

describe('aiopipe:pool.task', () => {
  test('tells of a task, its worker and its times', async () => {
    await using pool = new Pool(square, { size: 1 });
    using tasks = observeTraced<PoolTask>('aiopipe:pool.task');
    expect(await pool.with({ priority: 3, key: 'k' }).run(4)).toBe(16);
    expect(tasks.events()).toEqual(DONE);
    const { message } = tasks.published[0] ?? {};
    expect(message).toMatchObject({ pool: 'the pool of square', target: 'square', kind: 'run', priority: 3, key: 'k' });
    expect(message?.attempts).toHaveLength(1);
    const [attempt] = message?.attempts ?? [];
    expect(attempt).toMatchObject({ worker: 'square-1', pid: pool.workers[0]?.pid });
    expect(attempt?.startedAt).toBeGreaterThanOrEqual(message?.calledAt as number);
    expect(attempt?.endedAt).toBeGreaterThanOrEqual(attempt?.startedAt as number);
  });

  test('tells of a task that fails, and of one that is refused', async () => {
    await using pool = new Pool(perform, { size: 1, queueLimit: 1 });
    using tasks = observeTraced<PoolTask>('aiopipe:pool.task');
    const error = await errorOf(pool.run('throw'));
    expect(tasks.events()).toEqual(FAILED);
    expect(tasks.published[2]?.message.error).toBe(error);
    const calls = Array.from({ length: 20 }, () => pool.run('nothing').catch((refusal: unknown) => refusal));
    const refused = (await Promise.all(calls)).filter((outcome) => outcome !== undefined).length;
    expect(refused).toBeGreaterThan(0);
    const errors = tasks.events().filter((event) => event === 'error').length;
    expect(errors).toBe(1 + refused);
  });

  test('tells of each try of a task whose worker dies', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'pool-events-'));
    using _ = { [Symbol.dispose]: () => rmSync(directory, { recursive: true }) };
    await using pool = new Pool(perform, { size: 1 });
    using tasks = observeTraced<PoolTask>('aiopipe:pool.task');
    await pool.with({ retries: 1 }).run('die-once', join(directory, 'mark'));
    const attempts = tasks.published[0]?.message.attempts ?? [];
    expect(attempts.map(({ worker }) => worker)).toEqual(['perform-1', 'perform-2']);
    expect(attempts[0]?.error).toMatchObject({ code: 'ERR_AIOPIPE_NO_RESULT', signalCode: 'SIGKILL' });
    expect(attempts[1]).not.toHaveProperty('error');
  });

  test('tells of a task that its caller cancels, and of a stream that ends or is left', async () => {
    await using pool = new Pool(perform, { size: 1, cancelGrace: 0 });
    using tasks = observeTraced<PoolTask>('aiopipe:pool.task');
    const cancel = new AbortController();
    const hanging = errorOf(pool.with({ signal: cancel.signal }).run('hang'));
    await until('a task runs', () => pool.stats.running === 1);
    cancel.abort(new RangeError('no longer'));
    await hanging;
    expect(tasks.events()).toEqual(FAILED);
    expect(tasks.published[2]?.message.error).toMatchObject({ message: 'no longer' });
    for await (const item of pool.of(tellOften).stream()) expect(item).toBeUndefined();
    expect(tasks.events().slice(5)).toEqual(DONE);
    for await (const item of pool.of(tellOften).stream()) {
      expect(item).toBeUndefined();
      break;
    }
    expect(tasks.events().slice(9)).toEqual(FAILED);
    expect(tasks.published[11]?.message).toMatchObject({ kind: 'stream', error: { code: 'ABORT_ERR' } });
  });
});

describe('aiopipe:pool.open, aiopipe:pool.event and aiopipe:pool.close', () => {
  test('tell once of the end of a pool that is closed more than once', async () => {
    using lives = observe<PoolMessage>(['aiopipe:pool.close']);
    await using pool = new Pool(perform, { size: 1 });
    await Promise.all([pool.close(), pool.close()]);
    await pool.close();
    expect(lives.events()).toEqual(['pool.close']);
  });

  test('tell of a pool’s life, with an object that shows it as it is', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'pool-events-'));
    using _ = { [Symbol.dispose]: () => rmSync(directory, { recursive: true }) };
    const mark = join(directory, 'mark');
    using lives = observe<PoolMessage>(['aiopipe:pool.open', 'aiopipe:pool.close']);
    using events = observe<PoolEventMessage>(['aiopipe:pool.event']);
    const pool = new Pool(perform, { size: 1 });
    expect(lives.events()).toEqual(['pool.open']);
    expect(lives.published[0]?.message.pool).toBe(pool);
    expect(pool.workers).toMatchObject([{ name: 'perform-1', state: 'starting', task: undefined, tasks: 0 }]);
    const [worker] = pool.workers;
    const running = errorOf(pool.run('mark-and-hang', mark));
    // Before it has begun, another worker would do the task.
    await until('the task has begun', () => existsSync(mark));
    expect(pool.workers).toMatchObject([{ state: 'busy', task: { target: 'perform' }, tasks: 1, pid: worker?.pid }]);
    expect(pool.workers[0]?.task?.runningFor).toBeGreaterThanOrEqual(0);
    process.kill(worker?.pid as number, 'SIGKILL');
    await running;
    await pool.close();
    expect(pool.workers).toEqual([]);
    expect(lives.events()).toEqual(['pool.open', 'pool.close']);
    const told = events.published.map(({ message: { pool: of, event } }) => [of === pool, event.type, event.worker]);
    expect(told.slice(0, 2)).toEqual([
      [true, 'worker-started', 'perform-1'],
      [true, 'worker-ended', 'perform-1'],
    ]);
    expect(events.published[1]?.message.event).toMatchObject({ reason: 'died', signalCode: 'SIGKILL' });
  });
});

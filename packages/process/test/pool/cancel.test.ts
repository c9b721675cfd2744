import { existsSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { AbortError, TimeoutError } from '@aiopipe/core';
import { Pool, taskSignal } from '@aiopipe/process';
import { leakCheck, until } from '@aiopipe/testing';
import { obey } from '../fixtures/heeds-signals.js';
import { errorOf, linesOf, scratchFiles, thrownBy } from '../helpers.js';

const { newFile, remove } = scratchFiles();
const checkLeaks = leakCheck();
afterAll(async () => {
  remove();
  await checkLeaks();
});

/** A task that has begun, of a pool's only worker. */
async function begun(pool: Pool<[string, string], unknown>, how: string, signal: AbortSignal) {
  const file = newFile();
  const error = errorOf(pool.with({ signal }).run(how, file));
  await until('it has begun', () => existsSync(file));
  return { error, file };
}

/** For so many milliseconds at most; all else waits, too. */
function waitWithTheLoop(condition: () => boolean, limit: number): boolean {
  const end = performance.now() + limit;
  while (!condition()) if (performance.now() > end) return false;
  return true;
}

describe('an abort', () => {
  test('takes a task that waits from the queue', async () => {
    await using pool = new Pool(obey, { size: 1 });
    const controller = new AbortController();
    const [first, waiting] = [new AbortController(), newFile()];
    const { error } = await begun(pool, 'heed', first.signal);
    const queued = errorOf(pool.with({ signal: controller.signal }).run('report', waiting));
    expect(pool.stats.queued).toBe(1);
    controller.abort(new RangeError('no need'));
    expect(pool.stats).toMatchObject({ queued: 0, cancelled: 1 });
    const rejection = await queued;
    expect(rejection).toBeInstanceOf(AbortError);
    expect(rejection).toMatchObject({ code: 'ABORT_ERR', cause: controller.signal.reason as unknown });
    first.abort();
    await error;
    await pool.run('report', newFile());
    expect(existsSync(waiting)).toBe(false);
  });

  test('rejects a task that runs at once, and tells it the reason; its worker goes on', async () => {
    await using pool = new Pool(obey, { size: 1, cancelGrace: 60_000 });
    const [, pid] = (await pool.run('report', newFile())) as [boolean, number];
    const controller = new AbortController();
    const { error, file } = await begun(pool, 'heed', controller.signal);
    controller.abort(new RangeError('found elsewhere'));
    expect(await error).toBeInstanceOf(AbortError);
    await until('the task was told', () => linesOf(file).length === 1);
    expect(linesOf(file)).toEqual(['RangeError: found elsewhere']);
    expect(await pool.run('report', newFile())).toEqual([false, pid]);
    expect(pool.stats).toMatchObject({ cancelled: 1, killed: 0, restarts: 0, completed: 2, failed: 0 });
  });

  test('has come already for a task that asks late', async () => {
    await using pool = new Pool(obey, { size: 1 });
    const controller = new AbortController();
    const { error } = await begun(pool, 'late', controller.signal);
    controller.abort();
    await error;
    expect(await pool.run('report', newFile())).toEqual([false, expect.any(Number)]);
    expect(pool.stats.killed).toBe(0);
  });

  test.each(['ignore', 'block'])('kills the worker of a task that goes on (%s), and touches no other', async (how) => {
    await using pool = new Pool(obey, { size: 2, cancelGrace: 500, intensity: 0 });
    const [mine, other] = [new AbortController(), new AbortController()];
    const neighbour = await begun(pool, 'heed', other.signal);
    const { error } = await begun(pool, how, mine.signal);
    mine.abort();
    expect(await error).toBeInstanceOf(AbortError);
    // Only the replacement can do this one.
    expect(await pool.run('report', newFile())).toEqual([false, expect.any(Number)]);
    expect(pool.stats).toMatchObject({ killed: 1, restarts: 0, cancelled: 1, running: 1 });
    other.abort(new RangeError('the end'));
    await neighbour.error;
    await until('it was told', () => linesOf(neighbour.file).length === 1);
  });

  test('that came before the call starts nothing', async () => {
    await using pool = new Pool(obey, { size: 1 });
    const file = newFile();
    expect(await errorOf(pool.with({ signal: AbortSignal.abort() }).run('report', file))).toBeInstanceOf(AbortError);
    await pool.run('report', newFile());
    expect(existsSync(file)).toBe(false);
    expect(pool.stats.cancelled).toBe(0);
  });

  test('after the end changes nothing', async () => {
    await using pool = new Pool(obey, { size: 1 });
    const controller = new AbortController();
    await pool.with({ signal: controller.signal }).run('report', newFile());
    controller.abort();
    expect(await pool.run('report', newFile())).toEqual([false, expect.any(Number)]);
    expect(pool.stats).toMatchObject({ cancelled: 0, completed: 2 });
  });

  test('with a reason that cannot be sent arrives, too', async () => {
    await using pool = new Pool(obey, { size: 1 });
    const controller = new AbortController();
    const { file } = await begun(pool, 'heed', controller.signal);
    controller.abort(Object.assign(new RangeError('with a function'), { callback: () => undefined }));
    await until('the task was told', () => linesOf(file).length === 1);
    expect(linesOf(file)).toEqual(['RangeError: with a function']);
  });

  test('of many tasks by one signal settles each of them once', async () => {
    await using pool = new Pool(obey, { size: 2 });
    const controller = new AbortController();
    const view = pool.with({ signal: controller.signal });
    const errors = Array.from({ length: 50 }, () => errorOf(view.run('heed', newFile())));
    await until('two run', () => pool.stats.running === 2);
    controller.abort();
    for (const error of await Promise.all(errors)) expect(error).toBeInstanceOf(AbortError);
    expect(pool.stats).toMatchObject({ cancelled: 50, queued: 0, running: 0 });
    expect(await pool.run('report', newFile())).toEqual([false, expect.any(Number)]);
  });

  test('of two that a worker had begun with, one after the other, kills it for neither if both end', async () => {
    await using pool = new Pool(obey, { size: 1, cancelGrace: 3000 });
    const worker = [false, expect.any(Number)];
    for (;;) {
      await Promise.all(Array.from({ length: 50 }, () => pool.run('report', newFile())));
      const [, pid] = (await pool.run('report', newFile())) as [boolean, number];
      worker[1] = pid;
      const controller = new AbortController();
      const [one, other] = [pool.with({ signal: controller.signal }), newFile()];
      const errors = [errorOf(one.run('report', newFile())), errorOf(one.run('heed', other))];
      // Both are sent at the turn's end; we don't hear that the first one is done.
      await new Promise<void>((resolve) => process.nextTick(resolve));
      const bothHaveBegun = waitWithTheLoop(() => existsSync(other), 500);
      controller.abort(new RangeError('both'));
      for (const error of await Promise.all(errors)) expect(error.code).toBe('ABORT_ERR');
      if (!bothHaveBegun) continue;
      await until('the second was told', () => linesOf(other).length === 1);
      break;
    }
    expect(await pool.run('report', newFile())).toEqual(worker);
    const third = new AbortController();
    const { error, file } = await begun(pool, 'heed', third.signal);
    // What is cancelled later, with the same grace, loses its worker after the graces of what has ended are over.
    await using later = new Pool(obey, { size: 1, cancelGrace: 3000 });
    const stop = new AbortController();
    const ignored = await begun(later, 'ignore', stop.signal);
    stop.abort();
    await ignored.error;
    await until('the later worker was killed', () => later.stats.killed === 1);
    expect(pool.stats).toMatchObject({ killed: 0, running: 1 });
    third.abort(new RangeError('the third'));
    await error;
    await until('it was told', () => linesOf(file).length === 1);
    expect(await pool.run('report', newFile())).toEqual(worker);
  });

  test('kills no worker that has ended its task in time, while we were too busy to hear of that', async () => {
    await using pool = new Pool(obey, { size: 1, cancelGrace: 500 });
    const [, pid] = (await pool.run('report', newFile())) as [boolean, number];
    const controller = new AbortController();
    const { error, file } = await begun(pool, 'heed', controller.signal);
    controller.abort(new RangeError('enough'));
    // Timers come next then, and only later what has arrived.
    await new Promise((resolve) => setImmediate(resolve));
    waitWithTheLoop(() => linesOf(file).length === 1, 10_000);
    waitWithTheLoop(() => false, 600);
    expect((await error).code).toBe('ABORT_ERR');
    expect(await pool.run('report', newFile())).toEqual([false, pid]);
    expect(pool.stats).toMatchObject({ killed: 0, restarts: 0 });
  });

  test('does not hold up close() of the pool', async () => {
    const pool = new Pool(obey, { size: 1, cancelGrace: Infinity });
    const controller = new AbortController();
    const { error } = await begun(pool, 'ignore', controller.signal);
    controller.abort();
    await error;
    await pool.close();
  });
});

describe('a timeout', () => {
  test('rejects a task that runs, and tells it', async () => {
    await using pool = new Pool(obey, { size: 1 });
    await pool.run('report', newFile());
    const file = newFile();
    expect(await errorOf(pool.with({ timeout: 500 }).run('heed', file))).toBeInstanceOf(TimeoutError);
    await until('the task was told', () => linesOf(file).length === 1);
    expect(linesOf(file)[0]).toMatch(/^TimeoutError: /);
    expect(pool.stats).toMatchObject({ cancelled: 1, killed: 0 });
  });

  test('rejects a task that waits', async () => {
    await using pool = new Pool(obey, { size: 1 });
    const controller = new AbortController();
    const { error } = await begun(pool, 'heed', controller.signal);
    expect(await errorOf(pool.with({ timeout: 1 }).run('report', newFile()))).toBeInstanceOf(TimeoutError);
    expect(pool.stats.queued).toBe(0);
    controller.abort();
    await error;
  });
});

describe('with()', () => {
  test('inherits what it does not change', async () => {
    await using pool = new Pool(obey, { size: 1 });
    const controller = new AbortController();
    const view = pool.with({ signal: controller.signal }).with({ timeout: 20_000 });
    controller.abort();
    expect(await errorOf(view.run('report', newFile()))).toBeInstanceOf(AbortError);
  });

  test.each([{ retries: -1 }, { retries: '1' }, { timeout: -1 }, { signal: {} }])('refuses %j', async (options) => {
    await using pool = new Pool(obey, { size: 1 });
    expect(thrownBy(() => pool.with(options as never))).toBeInstanceOf(TypeError);
  });
});

test('taskSignal() outside of a task never aborts', () => {
  expect(taskSignal().aborted).toBe(false);
});

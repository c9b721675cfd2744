import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { Pool } from '@aiopipe/process';
import { fixture, leakCheck, until } from '@aiopipe/testing';
import { grow, perform, square, take } from '../fixtures/does-tasks.js';
import { childrenNamed, scratchFiles } from '../helpers.js';

const { newFile, remove } = scratchFiles();
const checkLeaks = leakCheck();
afterAll(async () => {
  remove();
  await checkLeaks();
});

const workers = () => childrenNamed(/^(perform|take|grow)-\d+$/).length;

describe('a pool from min to max', () => {
  test('starts min children, more while tasks wait, and never more than max', async () => {
    await using pool = new Pool(take, { size: { min: 1, max: 3 } });
    expect(workers()).toBe(1);
    const gate = newFile();
    const tasks = Array.from({ length: 6 }, (_, value) => pool.run({ gate, value }));
    await until('all are busy', () => pool.stats.workers.busy === 3);
    expect(workers()).toBe(3);
    expect(pool.stats.queued).toBe(3);
    writeFileSync(gate, '');
    expect(await Promise.all(tasks)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('starts no more than there are tasks', async () => {
    await using pool = new Pool(take, { size: { max: 8 } });
    expect(workers()).toBe(0);
    expect(await Promise.all([pool.run({ value: 1 }), pool.run({ value: 2 })])).toEqual([1, 2]);
    expect(workers()).toBeLessThanOrEqual(2);
  });

  test('ends those over min that have had nothing to do', async () => {
    await using pool = new Pool(take, { size: { min: 1, max: 3 }, idleTimeout: 50 });
    const gate = newFile();
    const tasks = [1, 2, 3].map((value) => pool.run({ gate, value }));
    await until('all are busy', () => pool.stats.workers.busy === 3);
    writeFileSync(gate, '');
    await Promise.all(tasks);
    await until('one is left', () => workers() === 1);
    expect(pool.stats).toMatchObject({ workers: { starting: 0, idle: 1, busy: 0 }, restarts: 0, recycled: 0 });
    expect(await pool.run({ value: 4 })).toBe(4);
  });

  test('goes on with those that there are if no more can be started', async () => {
    const { stdout } = await promisify(execFile)('sh', [
      '-c',
      'ulimit -n 60; exec "$0" "$1"',
      process.execPath,
      fixture('has-a-pool-at-the-fd-limit'),
    ]);
    expect(JSON.parse(stdout)).toEqual({ results: [1, 2, 3], busy: 1, then: 2 });
  });

  test('replaces one that dies only if it is needed', async () => {
    await using pool = new Pool(perform, { size: { max: 2 } });
    await pool.run('die').catch(() => undefined);
    expect(pool.stats.workers).toEqual({ starting: 0, idle: 0, busy: 0 });
    expect(await pool.run('echo', 1)).toBe(1);
  });
});

describe('recycling', () => {
  test('replaces a child after maxTasks', async () => {
    await using pool = new Pool(perform, { size: 1, maxTasks: 2, intensity: 0 });
    const pids = [];
    for (let i = 0; i < 5; i++) pids.push(await pool.run('pid'));
    expect(pids[0]).toBe(pids[1]);
    expect(pids[2]).toBe(pids[3]);
    expect(new Set(pids).size).toBe(3);
    expect(pool.stats).toMatchObject({ recycled: 2, restarts: 0, completed: 5 });
  });

  test('replaces a child that holds more memory than maxRss', async () => {
    await using pool = new Pool(grow, { size: 1, maxRss: 256 * 1024 * 1024 });
    const small = await pool.run(0);
    expect(await pool.run(0)).toBe(small);
    expect(await pool.run(300 * 1024 * 1024)).toBe(small);
    expect(await pool.run(0)).not.toBe(small);
    expect(pool.stats).toMatchObject({ recycled: 1, restarts: 0 });
  });

  test('loses no task under load', async () => {
    await using pool = new Pool(square, { size: 2, maxTasks: 3 });
    const tasks = Array.from({ length: 30 }, (_, n) => pool.run(n));
    expect(await Promise.all(tasks)).toEqual(Array.from({ length: 30 }, (_, n) => n * n));
    expect(pool.stats.recycled).toBeGreaterThanOrEqual(8);
    await pool.close();
  });
});

describe('stats', () => {
  test('tell what the pool is doing', async () => {
    await using pool = new Pool(take, { size: 2 });
    expect(pool.stats).toMatchObject({ workers: { starting: 2, idle: 0, busy: 0 }, waitTime: undefined });
    const gate = newFile();
    const tasks = Array.from({ length: 5 }, (_, value) => pool.run({ gate, value }));
    await until('both are busy', () => pool.stats.workers.busy === 2);
    expect(pool.stats).toMatchObject({ queued: 3, running: 2, completed: 0, runTime: undefined });
    writeFileSync(gate, '');
    await Promise.all(tasks);
    await pool.run({ failure: 'so be it' }).catch(() => undefined);
    const { waitTime, runTime, ...rest } = pool.stats;
    expect(rest).toEqual({
      workers: { starting: 0, idle: 2, busy: 0 },
      queued: 0,
      running: 0,
      completed: 5,
      failed: 1,
      cancelled: 0,
      retried: 0,
      restarts: 0,
      recycled: 0,
      killed: 0,
    });
    expect(waitTime?.p99).toBeGreaterThanOrEqual(waitTime?.median as number);
    expect(runTime?.median).toBeGreaterThan(0);
  });
});

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { QueueFullError } from '@aiopipe/codec';
import { AbortError, aiopipe, ClosedError, TimeoutError } from '@aiopipe/core';
import { ChildError, Pool, SupervisorError } from '@aiopipe/process';
import { childPids, fdsSince, leakCheck, openFds, runFixture, until } from '@aiopipe/testing';
import { perform, square, take, work } from '../fixtures/does-tasks.js';
import { writeOne } from '../fixtures/uses-handles.js';
import { childrenNamed, childrenSince, errorOf, linesOf, scratchFiles, thrownBy } from '../helpers.js';

const { newFile, remove } = scratchFiles();
const checkLeaks = leakCheck();
afterAll(async () => {
  remove();
  await checkLeaks();
});

const isWorker = /^(perform|work|square)-\d+$/;

describe('a pool', () => {
  test('runs tasks in its children, and gives back what they return', async () => {
    await using pool = new Pool(square, { size: 2 });
    expect(await Promise.all([1, 2, 3, 4, 5].map((n) => pool.run(n)))).toEqual([1, 4, 9, 16, 25]);
    await pool.close();
  });

  test('gives each child one task at a time, and the rest when it is done', async () => {
    const file = newFile();
    await using pool = new Pool(perform, { size: 2 });
    // Both children are taken until the file is there.
    const gate = newFile();
    const taken = [pool.run('until-there', gate), pool.run('until-there', gate)];
    await until('both have begun one', () => linesOf(`${gate}.begun`).length === 2);
    const order: number[] = [];
    const others = Array.from({ length: 20 }, async (_, i) => {
      await pool.run('append', file);
      order.push(i);
    });
    expect(existsSync(file)).toBe(false);
    writeFileSync(gate, '');
    expect(new Set(await Promise.all(taken)).size).toBe(2);
    await Promise.all(others);
    expect(readFileSync(file, 'utf8').trim().split('\n')).toHaveLength(20);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  test('starts tasks in the order of the calls', async () => {
    await using pool = new Pool(perform, { size: 1 });
    const order: number[] = [];
    const file = newFile();
    await Promise.all(Array.from({ length: 20 }, (_, i) => pool.run('append', file).then(() => order.push(i))));
    expect(order).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  test('starts as many children as `size` says', async () => {
    await using pool = new Pool(perform, { size: 3 });
    await until('they are started', () => childrenNamed(isWorker).length === 3);
    const gate = newFile();
    const pids = Promise.all([1, 2, 3].map(() => pool.run('until-there', gate)));
    await until('each has begun one', () => linesOf(`${gate}.begun`).length === 3);
    writeFileSync(gate, '');
    expect(new Set(await pids)).toEqual(new Set(childrenNamed(isWorker)));
  });

  test.each([
    ['size', 0],
    ['size', 1e9],
    ['size', Infinity],
    ['size', '2'],
    ['size.min', { size: { min: '1', max: 2 } }],
    ['size.max', { size: { max: 1e9 } }],
    ['size.max', { size: { min: 1 } }],
    ['size', -1],
    ['size', 1.5],
    ['size', NaN],
    ['size.max', { size: { max: 0 } }],
    ['size.max', { size: { min: 3, max: 2 } }],
    ['size.min', { size: { min: -1, max: 2 } }],
    ['retries', -1],
    ['queueLimit', 0],
    ['cancelGrace', '1'],
    ['idleTimeout', NaN],
    ['maxTasks', 0],
    ['maxRss', -5],
    ['spin', -1],
    ['spin', 1e6],
    ['options', 5],
    ['options', { cwd: 5 }],
    ['options', { env: { A: 5 } }],
    ['options', { stdin: 'pipe' }],
    ['options', { stdout: 'pipe' }],
    ['options', { stderr: 'pipe' }],
    ['intensity', -1],
    ['period', -1],
    ['period', 0],
  ])('with a %s of %j is refused, and nothing is started', (name, value) => {
    const before = childPids();
    const error = thrownBy(() => new Pool(square, name.includes('.') ? (value as object) : { [name]: value }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(new RegExp(`^${name}\\b(?!\\.m)`));
    expect(childrenSince(before)).toEqual([]);
  });

  test('whose children cannot be started says why', async () => {
    await using pool = new Pool(square, { size: 1, intensity: 2, options: { cwd: '/no/such/directory' } });
    const error = await errorOf(pool.run(1));
    expect(error.code).toBe('ERR_AIOPIPE_INTENSITY');
    expect(error.message).toMatch(/ENOENT/);
    expect(error.message).toContain('/no/such/directory');
  });

  test('at the top level of its target’s module is refused in a child, by the name of that module', async () => {
    const { stdout } = await runFixture('has-a-pool-at-its-top-level');
    expect(stdout).toContain('has-a-pool-at-its-top-level');
    expect(stdout).toContain('isChild()');
    expect(stdout).not.toContain('worker/serve');
  });

  test('of a bare function is refused', () => {
    expect(thrownBy(() => new Pool(square.run as never))).toBeInstanceOf(TypeError);
  });

  test('of daemons keeps its program alive while it has tasks, and no longer', async () => {
    expect(await runFixture('has-a-daemon-pool')).toEqual({ code: 0, signal: null, stdout: '9\n16\n', stderr: '' });
  });

  test('leaves no fd and no process', async () => {
    const fds = openFds();
    const children = childPids();
    const pool = new Pool(square, { size: 2 });
    await pool.run(2);
    await pool.close();
    expect(childrenSince(children)).toEqual([]);
    await until('all are closed', () => fdsSince(fds).length === 0);
  });
});

describe('a task', () => {
  test('that throws rejects with what it threw, and its child goes on', async () => {
    await using pool = new Pool(perform, { size: 1 });
    const pid = await pool.run('pid');
    const error = await errorOf(pool.run('throw'));
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ message: 'of this task', code: 'E_TASK' });
    expect(await pool.run('pid')).toBe(pid);
    expect(pool.stats.restarts).toBe(0);
  });

  test('takes the handles in its arguments', async () => {
    const [rx, tx] = aiopipe();
    await using pool = new Pool(writeOne, { size: 1 });
    await pool.run(tx, 'from a worker');
    expect(tx.state).toBe('moved');
    await using reader = rx.open();
    expect((await reader.read()).toString()).toBe('from a worker');
  });

  test('may return nothing', async () => {
    await using pool = new Pool(perform, { size: 1 });
    expect(await pool.run('nothing')).toBeUndefined();
  });

  test('whose result cannot be sent rejects, and its child goes on', async () => {
    await using pool = new Pool(perform, { size: 1 });
    const pid = await pool.run('pid');
    expect((await errorOf(pool.run('function'))).message).toBe('result: a function cannot be sent');
    expect(await pool.run('pid')).toBe(pid);
    expect(pool.stats.restarts).toBe(0);
  });

  test('whose arguments cannot be sent rejects, and no other does', async () => {
    await using pool = new Pool(perform, { size: 1 });
    const all = await Promise.allSettled([pool.run('echo', 1), pool.run('echo', () => undefined), pool.run('echo', 2)]);
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(all[1]).toMatchObject({ reason: { path: 'args[1]', message: 'args[1]: a function cannot be sent' } });
  });

  test.each([
    ['die', undefined, { signalCode: 'SIGKILL', exitCode: null }],
    ['exit', 0, { signalCode: null, exitCode: 0 }],
    ['exit', 9, { signalCode: null, exitCode: 9 }],
  ])('whose child dies at it (%s %s) rejects, and no other does', async (what, detail, how) => {
    await using pool = new Pool(perform, { size: 2 });
    const others = Array.from({ length: 10 }, (_, i) => pool.run('echo', i));
    const fatal = errorOf(pool.run(what, detail));
    const more = Array.from({ length: 10 }, (_, i) => pool.run('echo', i));
    const error = await fatal;
    expect(error).toBeInstanceOf(ChildError);
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_NO_RESULT', ...how });
    expect(error.message).toContain(String(error['pid']));
    const range = Array.from({ length: 10 }, (_, i) => i);
    expect(await Promise.all(others)).toEqual(range);
    expect(await Promise.all(more)).toEqual(range);
    expect(await pool.run('echo', 'still here')).toBe('still here');
    expect(pool.stats.restarts).toBe(1);
  });

  test('whose child dies at it is given to another one, if asked', async () => {
    await using pool = new Pool(perform, { size: 2, retries: 1 });
    expect(await pool.run('die-once', newFile())).toBe('second time');
    expect(pool.stats.restarts).toBe(1);
  });

  test('is given to another one only as often as was asked', async () => {
    await using pool = new Pool(perform, { size: 1, retries: 2 });
    expect(await errorOf(pool.run('die'))).toMatchObject({ code: 'ERR_AIOPIPE_NO_RESULT' });
    expect(pool.stats.restarts).toBe(3);
    expect(await pool.run('echo', 1)).toBe(1);
  });
});

describe('the queue', () => {
  test('has a limit, and the error says what to do', async () => {
    await using pool = new Pool(perform, { size: 1, queueLimit: 3 });
    const gate = newFile();
    const tasks = [1, 2, 3].map(() => pool.run('until-there', gate));
    const error = await errorOf(pool.run('pid'));
    expect(error).toBeInstanceOf(QueueFullError);
    expect(error.message).toMatch(
      /^the pool of perform: 3 tasks wait already \(queueLimit\); .*drain\(\).*map\(\).*raise queueLimit$/,
    );
    await until('a task is begun', () => pool.stats.running === 1);
    // Now two wait.
    tasks.push(pool.run('until-there', gate));
    expect(pool.stats.queued).toBe(3);
    expect((await errorOf(pool.run('pid'))).code).toBe('ERR_AIOPIPE_QUEUE_FULL');
    writeFileSync(gate, '');
    await Promise.all(tasks);
    expect(await pool.run('pid')).toBe(await tasks[0]);
  });

  test('forgets a task that it refused: its signal has no effect later', async () => {
    await using pool = new Pool(take, { size: 1, queueLimit: 2 });
    const gate = newFile();
    const tasks = [pool.run({ gate, value: 1 })];
    await until('a task is begun', () => pool.stats.running === 1);
    tasks.push(...[2, 3].map((value) => pool.run({ gate, value })));
    const controller = new AbortController();
    const { signal } = controller;
    expect((await errorOf(pool.with({ signal }).run({}))).code).toBe('ERR_AIOPIPE_QUEUE_FULL');
    controller.abort();
    expect(pool.stats).toMatchObject({ queued: 2, running: 1, cancelled: 0 });
    writeFileSync(gate, '');
    expect(await Promise.all(tasks)).toEqual([1, 2, 3]);
  });

  test('has room again when drain() resolves', async () => {
    await using pool = new Pool(square, { size: 1, queueLimit: 2 });
    const results: Promise<number>[] = [];
    for (let n = 0; n < 50; n++) {
      await pool.drain();
      results.push(pool.run(n));
    }
    expect(await Promise.all(results)).toEqual(Array.from({ length: 50 }, (_, n) => n * n));
  });

  test('is awaited no longer than a signal or a timeout says', async () => {
    await using pool = new Pool(perform, { size: 1, queueLimit: 1 });
    const tasks = [pool.run('hang')];
    expect(await errorOf(pool.drain({ timeout: 1 }))).toBeInstanceOf(TimeoutError);
    expect(await errorOf(pool.drain({ signal: AbortSignal.abort() }))).toBeInstanceOf(AbortError);
    const waiting = errorOf(pool.drain());
    await pool[Symbol.asyncDispose]();
    expect(await waiting).toBeInstanceOf(ClosedError);
    expect(await errorOf(pool.drain())).toBeInstanceOf(ClosedError);
    await Promise.all(tasks.map(errorOf));
  });
});

describe('close()', () => {
  test('waits for all tasks, takes no more, and ends the children', async () => {
    const pool = new Pool(work, { size: 2 });
    const tasks = Array.from({ length: 10 }, (_, n) => pool.run(n, 5));
    const closed = pool.close();
    expect(await errorOf(pool.run(11, 0))).toBeInstanceOf(ClosedError);
    let isClosed = false;
    void closed.then(() => (isClosed = true));
    expect((await Promise.all(tasks)).map(([n]) => n)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(isClosed).toBe(false);
    await closed;
    expect(childrenNamed(isWorker)).toEqual([]);
  });

  test('at once and twice is fine', async () => {
    const pool = new Pool(square, { size: 1 });
    await Promise.all([pool.close(), pool.close()]);
    await pool.close();
  });

  test('ends though the last task cannot be sent', async () => {
    const pool = new Pool(perform, { size: 1 });
    const tasks = [pool.run('echo', 1), errorOf(pool.run('echo', () => undefined))];
    await pool.close();
    expect(await tasks[0]).toBe(1);
    await tasks[1];
  });

  test('waits for a task that is tried again', async () => {
    const pool = new Pool(perform, { size: 1, retries: 1 });
    const task = pool.run('die-once', newFile());
    await pool.close();
    expect(await task).toBe('second time');
  });

  test('ends if the pool gives up', async () => {
    const pool = new Pool(perform, { size: 1, intensity: 0 });
    const tasks = [errorOf(pool.run('die')), errorOf(pool.run('pid')), errorOf(pool.run('pid'))];
    await pool.close();
    const errors = await Promise.all(tasks);
    expect(errors[0]).toBeInstanceOf(ChildError);
    expect(errors[1]).toBeInstanceOf(SupervisorError);
    expect(errors[2]).toBeInstanceOf(SupervisorError);
    expect(errors[2]).not.toBe(errors[1]);
  });
});

describe('disposal', () => {
  test('rejects what is outstanding, and ends the children', async () => {
    const before = childPids();
    let tasks: Promise<unknown>[];
    {
      await using pool = new Pool(perform, { size: 2 });
      tasks = Array.from({ length: 5 }, () => errorOf(pool.run('hang')));
      expect(await Promise.race([...tasks, 'pending'])).toBe('pending');
    }
    for (const error of await Promise.all(tasks)) expect(error).toBeInstanceOf(ClosedError);
    expect(childrenSince(before)).toEqual([]);
  });

  test('while close() waits ends both', async () => {
    const pool = new Pool(perform, { size: 1 });
    const task = errorOf(pool.run('hang'));
    const closed = pool.close();
    await pool[Symbol.asyncDispose]();
    await closed;
    expect(await task).toBeInstanceOf(ClosedError);
  });

  test('settles also the task of a child that has just died', async () => {
    for (let round = 0; round < 5; round++) {
      const pool = new Pool(perform, { size: 2, retries: 5 });
      const pid = (await pool.run('pid')) as number;
      const tasks = [1, 2, 3, 4].map(() => errorOf(pool.run('hang')));
      process.kill(pid, 'SIGKILL');
      if (round % 2 === 0) await until('it was replaced', () => pool.stats.restarts > 0);
      await pool[Symbol.asyncDispose]();
      for (const error of await Promise.all(tasks)) expect(error).toHaveProperty('code');
    }
  });
});

describe('a pool gives up', () => {
  test('when its children die too often, and every task rejects, then and later', async () => {
    await using pool = new Pool(perform, { size: 2, intensity: 2, period: Infinity });
    const errors = await Promise.all(Array.from({ length: 8 }, () => errorOf(pool.run('die'))));
    const byChild = errors.filter((error) => error instanceof ChildError);
    const byPool = errors.filter((error) => error instanceof SupervisorError);
    expect(byChild.length + byPool.length).toBe(8);
    expect(byChild.length).toBeGreaterThanOrEqual(3);
    expect(byPool.length).toBeGreaterThan(0);
    expect(await errorOf(pool.run('pid'))).toBeInstanceOf(SupervisorError);
  });

  test('when its module is not there', async () => {
    const missing = { ...square, url: new URL('not-there.js', import.meta.url).href };
    await using pool = new Pool(missing, { size: 1, intensity: 1, period: Infinity });
    const errors = await Promise.all([errorOf(pool.run(1)), errorOf(pool.run(2)), errorOf(pool.run(3))]);
    for (const error of errors) expect(String(error.cause)).toContain('not-there.js');
  });
});

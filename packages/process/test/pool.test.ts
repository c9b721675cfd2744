import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { QueueFullError } from '@aiopipe/codec';
import { aiopipe, ClosedError } from '@aiopipe/core';
import { ChildError, Pool, SupervisorError } from '@aiopipe/process';
import { childPids, fdsSince, leakCheck, openFds, until } from '@aiopipe/testing';
import { perform, square, work } from './fixtures/does-tasks.js';
import { writeOne } from './fixtures/uses-handles.js';
import { childrenNamed, childrenSince, errorOf, randomFrom, thrownBy } from './helpers.js';

const directory = mkdtempSync(join(tmpdir(), 'aiopipe-pool-'));
const checkLeaks = leakCheck();
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await checkLeaks();
});
let files = 0;
const newFile = () => join(directory, String(files++));

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

  test('starts as many children as it was told', async () => {
    await using pool = new Pool(perform, { size: 3 });
    await until('they are started', () => childrenNamed(isWorker).length === 3);
    const gate = newFile();
    const pids = Promise.all([1, 2, 3].map(() => pool.run('until-there', gate)));
    writeFileSync(gate, '');
    expect(new Set(await pids)).toEqual(new Set(childrenNamed(isWorker)));
  });

  test.each([0, -1, 1.5, NaN])('of %j children is refused', (size) => {
    expect(thrownBy(() => new Pool(square, { size }))).toBeInstanceOf(TypeError);
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
    expect(pool.restarts).toBe(0);
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
    expect((await errorOf(pool.run('function'))).message).toContain('a function cannot be sent');
    expect(await pool.run('pid')).toBe(pid);
    expect(pool.restarts).toBe(0);
  });

  test('whose arguments cannot be sent rejects, and no other does', async () => {
    await using pool = new Pool(perform, { size: 1 });
    const all = await Promise.allSettled([pool.run('echo', 1), pool.run('echo', () => undefined), pool.run('echo', 2)]);
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
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
    expect(pool.restarts).toBe(1);
  });

  test('whose child dies at it is given to another one, if asked', async () => {
    await using pool = new Pool(perform, { size: 2, retries: 1 });
    expect(await pool.run('die-once', newFile())).toBe('second time');
    expect(pool.restarts).toBe(1);
  });

  test('is given to another one only as often as was asked', async () => {
    await using pool = new Pool(perform, { size: 1, retries: 2 });
    expect(await errorOf(pool.run('die'))).toMatchObject({ code: 'ERR_AIOPIPE_NO_RESULT' });
    expect(pool.restarts).toBe(3);
    expect(await pool.run('echo', 1)).toBe(1);
  });

  test('that was not begun by a child that was killed goes to its successor', async () => {
    await using pool = new Pool(perform, { size: 1 });
    const pid = await pool.run('pid');
    process.kill(pid as number, 'SIGKILL');
    await until(
      'nobody reads any more',
      () => !childrenNamed(isWorker).includes(pid as number) || hasEnded(pid as number),
    );
    // This process may not have heard of it yet, and will write into a socket that nobody reads.
    expect(await pool.run('echo', 'not lost')).toBe('not lost');
  });
});

const hasEnded = (pid: number) => {
  try {
    return readFileSync(`/proc/${String(pid)}/stat`, 'latin1').includes(') Z ');
  } catch {
    return true;
  }
};

describe('map', () => {
  test('yields the results in the order of the items', async () => {
    await using pool = new Pool(square, { size: 2 });
    const results: number[] = [];
    const items = Array.from({ length: 100 }, (_, i) => i);
    for await (const result of pool.map(items)) results.push(result);
    expect(results).toEqual(items.map((n) => n * n));
  });

  test('takes an async iterable, and items only as fast as results are taken', async () => {
    await using pool = new Pool(square, { size: 2 });
    let taken = 0;
    async function* items() {
      for (; taken < 50;) yield taken++;
    }
    const results: number[] = [];
    for await (const result of pool.map(items(), { concurrency: 5 })) {
      results.push(result);
      expect(taken - results.length).toBeLessThanOrEqual(5);
    }
    expect(results).toHaveLength(50);
  });

  test('ends its source when it is left, and the pool goes on', async () => {
    await using pool = new Pool(square, { size: 2 });
    let isEnded = false;
    function* items() {
      try {
        for (let n = 0; ; n++) yield n;
      } finally {
        isEnded = true;
      }
    }
    for await (const result of pool.map(items())) if (result >= 9) break;
    expect(isEnded).toBe(true);
    expect(await pool.run(7)).toBe(49);
    await pool.close();
  });

  test('rejects with the first failure in order, and ends its source', async () => {
    await using pool = new Pool<readonly [string], unknown>(perform, { size: 2 });
    const results: unknown[] = [];
    let isEnded = false;
    function* items() {
      try {
        yield* ['nothing', 'nothing', 'throw', 'nothing', 'throw', 'nothing'];
      } finally {
        isEnded = true;
      }
    }
    const error = await errorOf(
      (async () => {
        for await (const result of pool.map(items())) results.push(result);
      })(),
    );
    expect(error.message).toBe('of this task');
    expect(results).toHaveLength(2);
    expect(isEnded).toBe(true);
  });
});

describe('the queue', () => {
  test('has a limit', async () => {
    await using pool = new Pool(perform, { size: 1, queueLimit: 3 });
    const gate = newFile();
    const tasks = [1, 2, 3, 4].map(() => pool.run('until-there', gate));
    const error = await errorOf(pool.run('pid'));
    expect(error).toBeInstanceOf(QueueFullError);
    expect(error.message).toContain('map()');
    writeFileSync(gate, '');
    await Promise.all(tasks);
    expect(await pool.run('pid')).toBe(await tasks[0]);
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

  test('ends where the pool gives up', async () => {
    const pool = new Pool(perform, { size: 1, intensity: 0 });
    const tasks = [errorOf(pool.run('die')), errorOf(pool.run('pid')), errorOf(pool.run('pid'))];
    await pool.close();
    const errors = await Promise.all(tasks);
    expect(errors[0]).toBeInstanceOf(ChildError);
    expect(errors[1]).toBeInstanceOf(SupervisorError);
    expect(errors[2]).toBe(errors[1]);
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
      if (round % 2 === 0) await until('it was replaced', () => pool.restarts > 0);
      await pool[Symbol.asyncDispose]();
      for (const error of await Promise.all(tasks)) expect(error).toHaveProperty('code');
    }
  });
});

describe('a pool gives up', () => {
  test('when its children die too often, and every task rejects, then and later', async () => {
    await using pool = new Pool(perform, { size: 2, intensity: 2 });
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
    await using pool = new Pool(missing, { size: 1, intensity: 1 });
    const errors = await Promise.all([errorOf(pool.run(1)), errorOf(pool.run(2)), errorOf(pool.run(3))]);
    for (const error of errors) expect(String(error.cause)).toContain('not-there.js');
  });
});

// Two hundred starts of Node take their time on a machine that has other work, too.
test('200 rounds of SIGKILL under load: every task ends once, and a child takes no task along but its own', async () => {
  const random = randomFrom(7);
  const pool = new Pool(work, { size: 4, intensity: 10_000 });
  let nextTask = 0;
  const rejected: number[] = [];
  const workers = new Set<number>();
  const killed = new Set<number>();
  const done = new Set<number>();
  const run = async (): Promise<void> => {
    const n = nextTask++;
    try {
      const [result, pid] = await pool.run(n, random() * 3);
      if (!killed.has(pid)) workers.add(pid);
      if (result !== n || done.has(n)) throw new Error(`task ${String(n)} resolved to ${String(result)}`);
      done.add(n);
    } catch (error) {
      expect(error).toMatchObject({ name: 'ChildError', code: 'ERR_AIOPIPE_NO_RESULT', signalCode: 'SIGKILL' });
      rejected.push(n);
    }
  };
  let isOver = false;
  const load = Array.from({ length: 12 }, async () => {
    while (!isOver) await run();
  });
  while (killed.size < 200) {
    const target = done.size + Math.floor(random() * 4);
    await until('work goes on', () => done.size >= target && workers.size > 0);
    // Some die while they start.
    if (killed.size % 5 === 0) for (const pid of childrenNamed(isWorker)) if (!killed.has(pid)) workers.add(pid);
    const victim = [...workers][Math.floor(random() * workers.size)] as number;
    process.kill(victim, 'SIGKILL');
    workers.delete(victim);
    killed.add(victim);
  }
  isOver = true;
  await Promise.all(load);
  await until('all were replaced', () => pool.restarts === killed.size);
  await pool.close();
  expect(done.size + rejected.length).toBe(nextTask);
  expect(rejected.length).toBeLessThanOrEqual(killed.size);
  expect(rejected.length).toBeGreaterThan(0);
}, 120_000);

test('20 rounds of SIGKILL with retries: every task resolves', async () => {
  const random = randomFrom(11);
  await using pool = new Pool(work, { size: 3, intensity: 10_000, retries: 1000 });
  const count = 600;
  let finished = 0;
  const tasks = Array.from({ length: count }, async (_, n) => {
    const [result] = await pool.run(n, random() * 4);
    finished++;
    return result;
  });
  for (let round = 0; round < 20; round++) {
    const target = Math.min(finished + 3, count);
    await until('work goes on', () => finished >= target);
    const pids = childrenNamed(isWorker).filter((pid) => !hasEnded(pid));
    const victim = pids[Math.floor(random() * pids.length)];
    if (victim !== undefined) process.kill(victim, 'SIGKILL');
  }
  expect(await Promise.all(tasks)).toEqual(Array.from({ length: count }, (_, n) => n));
});

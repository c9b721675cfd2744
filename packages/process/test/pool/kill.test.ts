import { afterAll, describe, expect, test } from 'vitest';
import { channel } from '@aiopipe/codec';
import { aiopipe } from '@aiopipe/core';
import { ChildError, Pool } from '@aiopipe/process';
import { leakCheck, until } from '@aiopipe/testing';
import { leaveTrace, perform } from '../fixtures/does-tasks.js';
import { talkOverNews, writeAndDie } from '../fixtures/uses-handles.js';
import { childrenNamed, errorOf, hasEnded, linesOf, randomFrom, scratchFiles } from '../helpers.js';

const { newFile, remove } = scratchFiles();
const checkLeaks = leakCheck();
afterAll(async () => {
  remove();
  await checkLeaks();
});

const workersNow = () => childrenNamed(/^leaveTrace-\d+$/).filter((pid) => !hasEnded(pid));

interface Account {
  readonly done: number[];
  readonly lost: number[];
}

/** Keeps a pool at work while its children are killed, so many of them. */
async function killUnderLoad(
  pool: Pool<[number, number, string], readonly [number, number]>,
  file: string,
  rounds: number,
  seed: number,
): Promise<Account> {
  const random = randomFrom(seed);
  const [done, lost]: [number[], number[]] = [[], []];
  let next = 0;
  let isOver = false;
  const load = Array.from({ length: 12 }, async () => {
    while (!isOver) {
      const n = next++;
      try {
        const [result] = await pool.run(n, random() * 3, file);
        expect(result).toBe(n);
        done.push(n);
      } catch (error) {
        expect(error).toMatchObject({ name: 'ChildError', code: 'ERR_AIOPIPE_NO_RESULT', signalCode: 'SIGKILL' });
        lost.push(n);
      }
    }
  });
  const killed = new Set<number>();
  const hasHitATask = () => pool.stats.failed + pool.stats.retried > 0;
  while (killed.size < rounds || !hasHitATask()) {
    // Some while they start, some while they work, some between two tasks.
    const goal = done.length + Math.floor(random() * 4);
    await until('work goes on', () => done.length >= goal);
    const victims = workersNow().filter((pid) => !killed.has(pid));
    const victim = victims[Math.floor(random() * victims.length)];
    if (victim === undefined) continue;
    process.kill(victim, 'SIGKILL');
    killed.add(victim);
  }
  isOver = true;
  await Promise.all(load);
  expect(lost.length).toBeLessThanOrEqual(killed.size);
  await until('all their ends are known', () => pool.stats.restarts === killed.size);
  expect([...done, ...lost].sort((a, b) => a - b)).toEqual(Array.from({ length: next }, (_, n) => n));
  return { done, lost };
}

function countsOf(lines: readonly string[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const line of lines) counts.set(Number(line), (counts.get(Number(line)) ?? 0) + 1);
  return counts;
}

// Hundreds of starts of Node take their time on a machine that has other work, too.
test('200 rounds of SIGKILL: every task ends once, none runs twice, and a child takes none along but its own', async () => {
  const file = newFile();
  const pool = new Pool(leaveTrace, { size: 6, intensity: Infinity });
  const { done, lost } = await killUnderLoad(pool, file, 200, 7);
  const { stats } = pool;
  await pool.close();
  const runs = countsOf(linesOf(file));
  for (const n of done) expect(runs.get(n)).toBe(1);
  for (const n of lost) expect(runs.get(n) ?? 0).toBeLessThanOrEqual(1);
  expect(stats).toMatchObject({ completed: done.length, failed: lost.length, retried: 0, cancelled: 0 });
}, 600_000);

test('100 rounds of SIGKILL with retries: every task resolves, and runs again only if it was lost', async () => {
  const file = newFile();
  const pool = new Pool(leaveTrace, { size: 6, intensity: Infinity, retries: 1000 });
  const { done, lost } = await killUnderLoad(pool, file, 100, 11);
  const { retried } = pool.stats;
  await pool.close();
  expect(lost).toEqual([]);
  const runs = countsOf(linesOf(file));
  let again = 0;
  for (const n of done) again += (runs.get(n) as number) - 1;
  expect(again).toBeLessThanOrEqual(retried);
}, 600_000);

describe('a child that is killed', () => {
  test('while it starts costs a task nothing', async () => {
    await using pool = new Pool(leaveTrace, { size: 1 });
    const task = pool.run(1, 0, newFile());
    for (let round = 0; round < 3; round++) {
      const [pid] = workersNow();
      expect(pool.stats.workers.starting).toBe(1);
      process.kill(pid as number, 'SIGKILL');
      await until('it was replaced', () => pool.stats.restarts === round + 1);
    }
    expect((await task)[0]).toBe(1);
    expect(pool.stats).toMatchObject({ retried: 0, failed: 0 });
  });

  test('at a task whose handles have moved rejects it, for any number of retries', async () => {
    await using pool = new Pool(writeAndDie, { size: 1, retries: 3 });
    const [rx, tx] = aiopipe();
    await using reader = rx.open();
    const error = await errorOf(pool.run(tx));
    expect(error).toBeInstanceOf(ChildError);
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_NO_RESULT', signalCode: 'SIGKILL' });
    expect(error.message).toContain('cannot be sent again');
    expect((await reader.read()).toString()).toBe('once');
    // And all that had the other end are gone.
    expect((await reader.read()).length).toBe(0);
  });

  test('between two tasks costs the next one nothing', async () => {
    await using pool = new Pool(perform, { size: 1 });
    const pid = (await pool.run('pid')) as number;
    process.kill(pid, 'SIGKILL');
    await until('nobody reads any more', () => hasEnded(pid));
    // This process may not have heard of it yet, and will write into a socket that nobody reads.
    expect(await pool.run('echo', 'not lost')).toBe('not lost');
  });
});

test('a worker gets channels while it is at a task, and talks over them', async () => {
  await using pool = new Pool(talkOverNews, { size: 1 });
  const [news, theirs] = channel({ duplex: true });
  const task = pool.run(theirs);
  for (let n = 0; n < 3; n++) {
    const [here, there] = channel<string>({ duplex: true });
    await news.put(there);
    await here.put(`question ${String(n)}`);
    expect(await here.get()).toBe(`answer to question ${String(n)}`);
    here.close();
  }
  news.close();
  expect(await task).toBe(3);
});

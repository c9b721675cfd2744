// If tasks are short, a worker has the next ones before it is done. No caller may notice that.
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { aiopipe } from '@aiopipe/core';
import { ChildError, Pool } from '@aiopipe/process';
import { leakCheck, until } from '@aiopipe/testing';
import { perform } from '../fixtures/does-tasks.js';
import { writeUnless } from '../fixtures/uses-handles.js';
import { errorOf, linesOf, scratchFiles } from '../helpers.js';

const { newFile, remove } = scratchFiles();
const checkLeaks = leakCheck();
afterAll(async () => {
  remove();
  await checkLeaks();
});

type Perform = Pool<[what: string, detail?: unknown], unknown>;

/** Tasks are known to be short after this, however slow the machine. */
async function warmUp(pool: Perform): Promise<void> {
  await Promise.all(Array.from({ length: 200 }, (_, n) => pool.run('echo', n)));
  await until('the last one was short', async () => {
    // Not the median of `stats.runTime`: beside other work, more than half of the last thousand may have waited for a core.
    const begin = performance.now();
    await pool.run('echo');
    return performance.now() - begin < 1;
  });
}

/** Of all its workers. */
async function pidsOf(pool: Perform, size: number): Promise<number[]> {
  const pids = new Set<number>();
  while (pids.size < size)
    for (const pid of await Promise.all(numbers.map(() => pool.run('pid')))) pids.add(pid as number);
  return [...pids];
}

const numbers = Array.from({ length: 12 }, (_, n) => n);

describe('short tasks', () => {
  test.each(['block-until-there', 'until-there'])(
    'never wait behind a long one (%s) while another worker is idle',
    async (what) => {
      await using pool = new Pool(perform, { size: 2 });
      for (let round = 0; round < 5; round++) {
        await warmUp(pool);
        const gate = newFile();
        const before = numbers.slice(0, round).map((n) => pool.run('echo', n));
        const long = pool.run(what, gate);
        const after = numbers.map((n) => pool.run('echo', n));
        await Promise.all(before);
        expect(await Promise.all(after)).toEqual(numbers);
        expect(pool.stats.running).toBe(1);
        writeFileSync(gate, '');
        await long;
      }
    },
  );

  test('have a worker started for them that a long one would keep waiting', async () => {
    await using pool = new Pool(perform, { size: { min: 1, max: 2 } });
    await warmUp(pool);
    const gate = newFile();
    const long = pool.run('block-until-there', gate);
    expect(await Promise.all(numbers.map((n) => pool.run('echo', n)))).toEqual(numbers);
    writeFileSync(gate, '');
    await long;
  });

  test('leave a worker in use that had not begun with any of them when they were taken back', async () => {
    await using pool = new Pool(perform, { size: 2 });
    await warmUp(pool);
    const [pid = 0] = await pidsOf(pool, 2);
    process.kill(pid, 'SIGSTOP');
    const gates = Array.from({ length: 3 }, newFile);
    const [first, second, third] = gates.map((gate) => () => pool.run('until-there', gate));
    const open = (gate: number) => {
      writeFileSync(gates[gate] ?? '', '');
    };
    const tasks = numbers.map((n) => pool.run('echo', n));
    const slow = first?.();
    // Longer than tasks are short, and than the pool waits before it looks after them.
    await setTimeout(50);
    open(0);
    await slow;
    expect(await Promise.all(tasks)).toEqual(numbers);
    process.kill(pid, 'SIGCONT');
    const slowToo = second?.();
    await setTimeout(50);
    open(1);
    await slowToo;
    const long = third?.();
    expect(await pool.run('echo', 'meanwhile')).toBe('meanwhile');
    open(2);
    await long;
  });

  test('do not wait for a worker that has not begun with them while another one is idle', async () => {
    await using pool = new Pool(perform, { size: 2 });
    await warmUp(pool);
    for (const pid of await pidsOf(pool, 2)) {
      process.kill(pid, 'SIGSTOP');
      for (const n of numbers) expect(await pool.run('echo', n)).toBe(n);
      expect(await Promise.all(numbers.map((n) => pool.run('echo', n)))).toEqual(numbers);
      process.kill(pid, 'SIGCONT');
      // It answers again, and so it is as good as the other one.
      await pidsOf(pool, 2);
    }
    expect(pool.stats).toMatchObject({ restarts: 0, failed: 0, workers: { idle: 2 } });
  });

  test('are not mistaken for one of hundreds that were cancelled while their worker slept', async () => {
    await using pool = new Pool(perform, { size: 1 });
    await warmUp(pool);
    const [pid = 0] = await pidsOf(pool, 1);
    process.kill(pid, 'SIGSTOP');
    for (let n = 0; n < 700; n++) {
      const controller = new AbortController();
      const cancelled = errorOf(pool.with({ signal: controller.signal }).run('echo', n));
      controller.abort();
      expect((await cancelled).code).toBe('ABORT_ERR');
    }
    const last = pool.run('echo', 'last');
    process.kill(pid, 'SIGCONT');
    expect(await last).toBe('last');
  });

  test('that cannot be sent leave nothing behind, however many', async () => {
    await using pool = new Pool(perform, { size: 1 });
    await warmUp(pool);
    const [pid = 0] = await pidsOf(pool, 1);
    const log = newFile();
    process.kill(pid, 'SIGSTOP');
    // More than the pipe of the claims would hold.
    const refused = Array.from({ length: 20_000 }, () => pool.run('echo', () => undefined));
    const controller = new AbortController();
    const cancelled = pool.with({ signal: controller.signal }).run('append', log);
    const last = pool.run('echo', 'last');
    controller.abort();
    process.kill(pid, 'SIGCONT');
    for (const { status, reason } of (await Promise.allSettled(refused)) as PromiseRejectedResult[])
      if (status !== 'rejected' || (reason as Error).name !== 'EncodeError') expect(reason).toBe('an EncodeError');
    expect((await errorOf(cancelled)).code).toBe('ABORT_ERR');
    expect(await last).toBe('last');
    expect(existsSync(log)).toBe(false);
    expect(await pidsOf(pool, 1)).toEqual([pid]);
  });

  test('that are cancelled before their turn never run', async () => {
    await using pool = new Pool(perform, { size: 1 });
    await warmUp(pool);
    const [gate, file] = [newFile(), newFile()];
    const controller = new AbortController();
    const long = pool.run('block-until-there', gate);
    const first = pool.run('echo', 'first');
    const cancelled = numbers.map(() => errorOf(pool.with({ signal: controller.signal }).run('append', file)));
    const last = pool.run('echo', 'last');
    controller.abort();
    for (const error of await Promise.all(cancelled)) expect(error.code).toBe('ABORT_ERR');
    expect(pool.stats).toMatchObject({ running: 1, queued: 2, cancelled: numbers.length });
    writeFileSync(gate, '');
    await long;
    expect(await Promise.all([first, last])).toEqual(['first', 'last']);
    expect(existsSync(file)).toBe(false);
  });

  test('are not lost with the worker that died before their turn', async () => {
    await using pool = new Pool(perform, { size: 2 });
    for (let round = 0; round < 4; round++) {
      await warmUp(pool);
      const file = newFile();
      const before = numbers.slice(0, round).map(() => pool.run('append', file));
      const fatal = errorOf(pool.run('die'));
      const after = numbers.map(() => pool.run('append', file));
      expect(await fatal).toBeInstanceOf(ChildError);
      await Promise.all([...before, ...after]);
      expect(linesOf(file)).toHaveLength(before.length + after.length);
    }
    expect(pool.stats).toMatchObject({ failed: 4, restarts: 4, retried: 0 });
  });

  test.each<[what: string, detail: () => unknown, fate: object | 'sent']>([
    [
      'a getter that throws',
      () => ({
        get trap() {
          throw new Error('trap');
        },
      }),
      { code: 'ERR_AIOPIPE_ENCODE', path: 'args[1].trap' },
    ],
    [
      'a Proxy that throws',
      () =>
        new Proxy(
          {},
          {
            getPrototypeOf() {
              throw new Error('trap');
            },
          },
        ),
      { code: 'ERR_AIOPIPE_ENCODE', path: 'args[1]' },
    ],
    [
      'more properties than a call may have arguments',
      () => Object.fromEntries(Array.from({ length: 150_000 }, (_, n) => [`key${String(n)}`, n])),
      'sent',
    ],
  ])('with %s do the others no harm', async (_, make, fate) => {
    const detail = make();
    await using pool = new Pool(perform, { size: 1 });
    for (let round = 0; round < 2; round++) {
      await warmUp(pool);
      const [before, odd, after] = await Promise.allSettled([
        pool.run('echo', 1),
        pool.run('pid', detail),
        pool.run('echo', 2),
      ]);
      expect([before, after]).toEqual([
        { status: 'fulfilled', value: 1 },
        { status: 'fulfilled', value: 2 },
      ]);
      expect(odd).toMatchObject(fate === 'sent' ? { status: 'fulfilled' } : { status: 'rejected', reason: fate });
      expect(pool.stats).toMatchObject({ queued: 0, running: 0 });
    }
  });

  test('whose arguments cannot be sent reject alone', async () => {
    await using pool = new Pool(perform, { size: 1 });
    await warmUp(pool);
    const tasks = numbers.map((n) => pool.run('echo', n % 3 === 1 ? () => undefined : n));
    const all = await Promise.allSettled(tasks);
    expect(all.map(({ status }) => status)).toEqual(numbers.map((n) => (n % 3 === 1 ? 'rejected' : 'fulfilled')));
    expect(pool.stats.restarts).toBe(0);
  });

  test('take their handles to the worker that runs them', async () => {
    await using pool = new Pool(writeUnless, { size: 2 });
    const warm = () => Promise.all(numbers.map(() => pool.run({})));
    await warm();
    await warm();
    const gate = newFile();
    const pipes = numbers.map(() => aiopipe());
    const long = pool.run({ gate });
    await Promise.all(pipes.map(([, tx]) => pool.run({ deep: [{ tx }] })));
    for (const [rx] of pipes) {
      await using reader = rx.open();
      expect((await reader.read()).toString()).toBe('from the worker');
    }
    writeFileSync(gate, '');
    await long;
  });
});

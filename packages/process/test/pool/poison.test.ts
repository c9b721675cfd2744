import { afterAll, expect, test } from 'vitest';
import { ChildError, Pool, SupervisorError } from '@aiopipe/process';
import { leakCheck, until } from '@aiopipe/testing';
import { perform } from '../fixtures/does-tasks.js';
import { childrenNamed, errorOf } from '../helpers.js';

afterAll(leakCheck());

test('a task that kills its workers uses up its retries, and the pool goes on for the others', async () => {
  await using pool = new Pool(perform, { size: 1, intensity: 1, period: Infinity });
  const poison = errorOf(pool.with({ retries: 4 }).run('die'));
  const others = Promise.all([1, 2, 3].map((n) => pool.run('', n)));
  expect(await poison).toBeInstanceOf(ChildError);
  expect(await others).toEqual([1, 2, 3]);
  expect(pool.stats).toMatchObject({ retried: 4, restarts: 5 });
});

test('workers that die by themselves end the pool, whatever the retries are', async () => {
  await using pool = new Pool(perform, { size: 1, intensity: 1, period: Infinity, retries: 100 });
  for (let n = 0; n < 2; n++) {
    const pid = await pool.run('pid');
    process.kill(Number(pid), 'SIGKILL');
    await until('it is replaced', () => !childrenNamed(/^perform-\d+$/).includes(Number(pid)));
  }
  expect(await errorOf(pool.run('pid'))).toBeInstanceOf(SupervisorError);
});

test('a task that has no retry left counts as a death', async () => {
  await using pool = new Pool(perform, { size: 1, intensity: 1, period: Infinity });
  expect(await errorOf(pool.run('die'))).toBeInstanceOf(ChildError);
  expect(await errorOf(pool.run('die'))).toBeInstanceOf(ChildError);
  expect(await errorOf(pool.run('pid'))).toBeInstanceOf(SupervisorError);
});

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

test('a task whose worker ends by an error that nothing catches rejects with that error in its message', async () => {
  await using pool = new Pool(perform, { size: 1, options: { stderr: 'ignore' } });
  const error = await errorOf(pool.run('throw-uncaught', 'no pixels'));
  expect(error).toMatchObject({ code: 'ERR_AIOPIPE_NO_RESULT', exitCode: 1 });
  expect(error.message).toMatch(
    /^perform-1 \(pid \d+\) ended with exit code 1 while it ran this task, because nothing caught an error: RangeError: no pixels$/,
  );
  expect((error.cause as Error).cause).toMatchObject({ name: 'RangeError', message: 'no pixels' });
});

import { leakCheck, runFixture } from '@aiopipe/testing';
import { afterAll, expect, test } from 'vitest';
import { channel } from '@aiopipe/codec';
import { errorOf, thrownBy } from './helpers.js';

afterAll(leakCheck());

test('a channel that spins gives each message once, in order, whether it is there already or comes late', async () => {
  const [here, there] = channel<number, number>({ duplex: true, spin: 50 });
  const answering = (async () => {
    for await (const message of there) await there.put(message);
  })();
  for (let i = 0; i < 200; i++) {
    await here.put(i);
    expect(await here.get()).toBe(i);
  }
  const late = here.get();
  setTimeout(() => void there.put(-1), 5);
  expect(await late).toBe(-1);
  expect(await errorOf(here.get({ timeout: 5 }))).toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
  here.close();
  await answering;
  there.close();
});

test('an end that moved to another process spins there, too, and the process ends as always', async () => {
  expect(await runFixture('spins')).toEqual({ code: 0, signal: null, stderr: '', stdout: 'answered 1000\n' });
});

test('a worker thread that is terminated while it spins ends no other thread', async () => {
  expect(await runFixture('ends-a-worker-that-spins')).toEqual({
    code: 0,
    signal: null,
    stderr: '',
    stdout: 'terminated with 1\n',
  });
});

test.each([-1, 1.5, 20_000, NaN, '50'])('spin: %s is no number of microseconds', (spin) => {
  expect(thrownBy(() => channel({ spin: spin as number }))).toBeInstanceOf(TypeError);
});

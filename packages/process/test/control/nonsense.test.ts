import { afterAll, expect, test } from 'vitest';
import { TimeoutError } from '@aiopipe/core';
import { Prefork, startProcess, Supervisor } from '@aiopipe/process';
import { leakCheck } from '@aiopipe/testing';
import { babbleOn } from '../fixtures/says-nonsense.js';

afterAll(leakCheck());

/** More of them run by hand: `NONSENSE=1000 npx vitest run test/nonsense.test.ts`. */
const ROUNDS = Number(process.env['NONSENSE'] ?? 8);

const limit = 30_000 + 5000 * ROUNDS;
const start = { stdout: 'ignore', stderr: 'ignore' } as const;

/** One that has begun a frame and ends it never is as one that takes its time: it is ended by hand. */
const PATIENCE = 2000;

test('random messages of children settle every call, and harm no other child', { timeout: limit }, async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const child = startProcess(babbleOn, { ...start });
    const ping = child.ping().catch((error: unknown) => error);
    if ((await child.join({ timeout: PATIENCE }).catch(() => null)) === undefined) child.kill();
    const failure = await child.result.catch((error: unknown) => error);
    if (failure !== 'done') expect(failure).toMatchObject({ name: 'ChildError' });
    await ping;
    await child.ready.catch(() => undefined);
  }
});

test('children of a prefork that do are lost, and starts go on', { timeout: limit }, async () => {
  const make = () => new Prefork({ ...start, size: 2, preload: [babbleOn] });
  let prefork = make();
  for (let round = 0; round < ROUNDS; round++) {
    const failure: unknown =
      round % 2 === 0 ? await prefork.ready({ timeout: PATIENCE }).catch((error: unknown) => error) : undefined;
    // One that never ends its frame is getting ready for good, and no other one takes its place.
    if (failure instanceof TimeoutError) {
      await prefork.close();
      prefork = make();
    }
    const child = startProcess(babbleOn, { ...start, prefork });
    if ((await child.join({ timeout: PATIENCE }).catch(() => null)) === undefined) child.kill();
    await child.result.catch((error: unknown) => {
      expect(error).toMatchObject({ name: 'ChildError' });
    });
  }
  await prefork.close();
});

test('children of a supervisor that do are restarted until it gives up', { timeout: limit }, async () => {
  await using supervisor = new Supervisor(
    [{ id: 'it', target: babbleOn, options: start, heartbeat: { interval: 50, deadline: PATIENCE } }],
    {
      intensity: ROUNDS,
      period: 1e9,
    },
  );
  await supervisor.start();
  await expect(supervisor.finished).rejects.toMatchObject({ code: 'ERR_AIOPIPE_INTENSITY' });
});

import { afterAll, describe, expect, test } from 'vitest';
import { ChildError, SupervisorError } from '@aiopipe/process';
import { isRunning, leakCheck, until } from '@aiopipe/testing';
import { errorOf } from '../helpers.js';
import { shapeOf, Watched } from '../watched.js';

afterAll(leakCheck());

describe('with `ready`', () => {
  test('the next child is started when this one says that it is', async () => {
    await using watched = new Watched([{ id: 'a', how: 'ready when told', ready: { timeout: 20_000 } }, { id: 'b' }]);
    const pid = await watched.runs('a');
    expect(shapeOf(watched.supervisor)).toEqual({ a: 'starting', b: 'stopped' });
    expect(watched.told).toEqual([]);
    process.kill(pid, 'SIGUSR2');
    await watched.started;
    expect(watched.told).toEqual(['started a', 'started b']);
  });

  test('a child that is not ready in time is ended, and start() says so', async () => {
    await using watched = new Watched([
      { id: 'good' },
      { id: 'slow', how: 'deaf', ready: { timeout: 300 }, shutdown: 50 },
    ]);
    const error = await errorOf(watched.started);
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_START', cause: { code: 'ERR_AIOPIPE_TIMEOUT' } });
    expect(error.message).toMatch(/slow \(pid \d+\) did not call ready\(\) within 300 ms/);
    expect(watched.told).toEqual(['started good', 'start-failed slow', 'exited good']);
    const [, failed] = watched.events;
    expect(failed).toMatchObject({ willRestart: false, pid: expect.any(Number) });
    expect(isRunning(failed?.type === 'start-failed' ? (failed.pid as number) : 0)).toBe(false);
    expect(await errorOf(watched.supervisor.finished)).toBe(error);
  });

  test('a child that was ready in time has been started, though we were too busy to hear of that', async () => {
    await using watched = new Watched([{ id: 'a', how: 'ready', ready: { timeout: 5000 } }]);
    // Timers come next then, and only later what has arrived.
    await new Promise((resolve) => setImmediate(resolve));
    const end = performance.now() + 5100;
    while (performance.now() < end);
    await watched.started;
    expect(watched.told).toEqual(['started a']);
  });

  test('a child that ends before it is ready could not be started', async () => {
    await using watched = new Watched([{ id: 'a', how: 'fail', ready: {} }]);
    expect((await errorOf(watched.started)).cause).toBeInstanceOf(ChildError);
    expect(watched.told).toEqual(['start-failed a']);
  });

  test('one that isn’t ready again after a restart is tried again, as often as the intensity says', async () => {
    let starts = 0;
    const how = () => (starts++ === 0 ? 'ready' : 'wait');
    // The first one takes as long as the machine lets it.
    const ready = {
      get timeout() {
        return starts > 1 ? 500 : 20_000;
      },
    };
    await using watched = new Watched([{ id: 'a', how, ready }], { intensity: 2 });
    await watched.started;
    process.kill(await watched.runs('a'), 'SIGKILL');
    const error = await errorOf(watched.supervisor.finished);
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_INTENSITY', cause: { code: 'ERR_AIOPIPE_TIMEOUT' } });
    expect(watched.told).toEqual(['started a', 'exited a', 'start-failed a', 'start-failed a', 'gave-up a']);
  });
});

describe('with a heartbeat', () => {
  test.each(['a busy loop', 'SIGSTOP'])(
    'a child that hangs is killed and restarted, and the event says why (%s)',
    async (how) => {
      // Its successor must answer within the deadline, on a busy machine, too.
      const heartbeat = { interval: 20, deadline: 3000 };
      await using watched = new Watched([{ id: 'a', how: 'hangs when told', heartbeat }, { id: 'b' }], {
        intensity: 5,
      });
      const pid = await watched.runs('a');
      process.kill(pid, how === 'SIGSTOP' ? how : 'SIGUSR2');
      await until('it was started again', () => watched.exits.length === 1 && watched.starts.length === 3);
      const [exit] = watched.exits;
      expect(exit).toMatchObject({ id: 'a', pid, reason: 'hung', signalCode: 'SIGKILL', willRestart: true });
      expect(exit?.error?.message).toMatch(/^a \(pid \d+\) did not answer its heartbeat/);
      expect(exit?.error?.cause).toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
      expect(await watched.runs('a')).not.toBe(pid);
    },
  );

  test('a child is not blamed for a parent that hung', async () => {
    const heartbeat = { interval: 1, deadline: 1500 };
    await using watched = new Watched([{ id: 'a', how: 'ready', ready: {}, heartbeat }]);
    await watched.started;
    for (let i = 0; i < 2; i++) {
      // So that it was asked before.
      await new Promise((resolve) => setTimeout(resolve, 10));
      for (const end = Date.now() + 1700; Date.now() < end;);
    }
    await watched.supervisor.stop();
    expect(watched.exits).toMatchObject([{ reason: 'shutdown' }]);
  });

  test('a child that ends otherwise is not said to have hung', async () => {
    const heartbeat = { interval: 1, deadline: 20_000 };
    await using watched = new Watched([{ id: 'a', how: 'ready', ready: {}, heartbeat, restart: 'temporary' }]);
    await watched.started;
    process.kill(await watched.runs('a'), 'SIGKILL');
    await until('its end was told', () => watched.exits.length === 1);
    expect(watched.exits).toMatchObject([{ reason: 'exit', error: { code: 'ERR_AIOPIPE_NO_RESULT' } }]);
  });
});

describe('with a backoff', () => {
  const delaysOf = (watched: Watched) =>
    watched.exits.filter(({ willRestart }) => willRestart).map(({ delay }) => delay);

  test('delays grow up to their maximum, and are within their bounds', async () => {
    const backoff = { initial: 10, factor: 3, max: 60, jitter: 0.5 };
    await using watched = new Watched([{ id: 'a', how: 'fail' }], { intensity: 5, period: 60_000, backoff });
    expect(await errorOf(watched.supervisor.finished)).toBeInstanceOf(SupervisorError);
    const delays = delaysOf(watched);
    expect(delays).toHaveLength(5);
    for (const [index, longest] of [10, 30, 60, 60, 60].entries()) {
      expect(delays[index]).toBeGreaterThanOrEqual(longest / 2);
      expect(delays[index]).toBeLessThanOrEqual(longest);
    }
    expect(new Set(delays).size).toBe(5);
    expect(watched.exits.at(-1)).toMatchObject({ willRestart: false, delay: 0 });
  });

  test('the first one is `initial`, however long that is', async () => {
    const backoff = { initial: 60_000, jitter: 0 };
    await using watched = new Watched([{ id: 'a', how: 'fail' }], { intensity: Infinity, backoff });
    await until('its end was told', () => watched.exits.length === 1);
    expect(delaysOf(watched)).toEqual([60_000]);
  });

  test('a restart comes no earlier than it was announced', async () => {
    await using watched = new Watched([{ id: 'a', how: 'fail' }], {
      intensity: 1,
      backoff: { initial: 200, jitter: 0 },
    });
    await until('it was started again', () => watched.starts.length === 2);
    const [started, exited] = [watched.starts[1]?.time ?? 0, watched.exits[0]?.time ?? 0];
    expect(watched.exits[0]?.delay).toBe(200);
    expect(started - exited).toBeGreaterThanOrEqual(199);
  });

  test('a child that has run for the period begins anew', async () => {
    await using watched = new Watched([{ id: 'a', how: 'fail' }], { period: 1, backoff: { initial: 8, jitter: 0 } });
    await until('it was started often', () => watched.starts.length >= 4);
    expect(delaysOf(watched).slice(0, 3)).toEqual([8, 8, 8]);
  });

  test('failed starts count as well', async () => {
    let starts = 0;
    const how = () => {
      if (starts++ > 0) throw new Error('never again');
      return 'wait';
    };
    await using watched = new Watched([{ id: 'a', how }], { intensity: 3, backoff: { initial: 4, jitter: 0 } });
    process.kill(await watched.runs('a'), 'SIGKILL');
    await errorOf(watched.supervisor.finished);
    const delays = watched.events.map((event) => ('delay' in event ? event.delay : undefined));
    expect(watched.told.slice(1)).toEqual([
      'exited a',
      'start-failed a',
      'start-failed a',
      'start-failed a',
      'gave-up a',
    ]);
    expect(delays.slice(1, -1)).toEqual([4, 8, 16, 0]);
  });
});

test('events tell how long a child has run', async () => {
  await using watched = new Watched([{ id: 'a', how: 'ready', ready: {} }]);
  await watched.started;
  process.kill(await watched.runs('a'), 'SIGKILL');
  await until('it was started again', () => watched.starts.length === 2);
  const [exit] = watched.exits;
  expect(exit?.uptime).toBeGreaterThan(0);
  expect(exit?.uptime).toBeLessThanOrEqual((exit?.time ?? 0) - (watched.starts[0]?.time ?? 0) + 2);
});

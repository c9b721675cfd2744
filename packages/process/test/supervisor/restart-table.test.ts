// The decision table of src/supervisor/restart-rules.ts, seen from outside: what is published, and what is left.
import { afterAll, describe, expect, test } from 'vitest';
import { type AutoShutdown, type Restart, type Strategy } from '@aiopipe/process';
import { leakCheck, until } from '@aiopipe/testing';
import { shapeOf, Watched, type WatchedSpec } from '../watched.js';

afterAll(leakCheck());

type Outcome = 'restarted' | 'kept' | 'deleted';

interface Case {
  /** How the child `b` of `a`, `b`, `c` comes to its end. */
  readonly how: string;
  readonly end?: (watched: Watched) => Promise<unknown>;
  readonly outcome: Record<Restart, Outcome>;
}

const kill = (id: string, signal: NodeJS.Signals) => async (watched: Watched) => {
  await watched.started;
  process.kill(await watched.runs(id), signal);
};

const cases: Record<string, Case> = {
  returned: {
    how: 'return',
    outcome: { permanent: 'restarted', transient: 'kept', temporary: 'deleted' },
  },
  threw: {
    how: 'fail',
    outcome: { permanent: 'restarted', transient: 'restarted', temporary: 'deleted' },
  },
  'called process.exit()': {
    how: 'exit 3',
    outcome: { permanent: 'restarted', transient: 'restarted', temporary: 'deleted' },
  },
  'was killed by a signal': {
    how: 'wait',
    end: kill('b', 'SIGKILL'),
    outcome: { permanent: 'restarted', transient: 'restarted', temporary: 'deleted' },
  },
  'missed a heartbeat': {
    how: 'ready',
    end: kill('b', 'SIGSTOP'),
    outcome: { permanent: 'restarted', transient: 'restarted', temporary: 'deleted' },
  },
  'was terminated by hand': {
    how: 'wait',
    end: async (watched) => {
      await watched.started;
      await watched.supervisor.terminateChild('b');
    },
    outcome: { permanent: 'kept', transient: 'kept', temporary: 'deleted' },
  },
};

describe.each(Object.entries(cases))('a child that %s', (cause, { how, end, outcome }) => {
  test.each(['permanent', 'transient', 'temporary'] as const)('and is %s', async (restart) => {
    let lives = 0;
    const b: WatchedSpec = {
      id: 'b',
      restart,
      how: () => (lives++ === 0 ? how : 'ready'),
      ...(cause === 'missed a heartbeat' && { ready: {}, heartbeat: { interval: 20, deadline: 300 } }),
    };
    await using watched = new Watched([{ id: 'a' }, b, { id: 'c' }]);
    await end?.(watched);
    await until('its end was published', () => watched.exits.length === 1);
    const willRestart = outcome[restart] === 'restarted';
    if (willRestart) await until('it was started again', () => watched.starts.length === 4);
    await watched.started;
    // The queue is empty when a call of ours has been dealt with.
    await watched.supervisor.terminateChild('c');
    expect(watched.exits[0]).toMatchObject({ id: 'b', willRestart });
    expect(lives).toBe(willRestart ? 2 : 1);
    expect(shapeOf(watched.supervisor)).toEqual({
      a: expect.any(Number),
      ...(outcome[restart] !== 'deleted' && { b: willRestart ? expect.any(Number) : 'stopped' }),
      c: 'stopped',
    });
  });
});

describe('when b of a, b, c is killed', () => {
  const groups: Record<Strategy, { shutDown: string; started: string }> = {
    one_for_one: { shutDown: '', started: 'b' },
    rest_for_one: { shutDown: 'c', started: 'b c' },
    one_for_all: { shutDown: 'c a', started: 'a b c' },
  };

  test.each(['one_for_one', 'rest_for_one', 'one_for_all'] as const)(
    'with %s, siblings are shut down from right to left, and all started from left to right; temporary ones are deleted',
    async (strategy) => {
      const specs: WatchedSpec[] = [{ id: 'a' }, { id: 'b' }, { id: 'temporary', restart: 'temporary' }, { id: 'c' }];
      await using watched = new Watched(specs, { strategy });
      await watched.started;
      watched.events.length = 0;
      process.kill(await watched.runs('b'), 'SIGKILL');
      const { shutDown, started } = groups[strategy];
      await until('all were started', () => watched.starts.length === started.split(' ').length);
      const ids = (type: string) =>
        watched.events.filter((event) => event.type === type && event.id !== 'temporary').map(({ id }) => id);
      expect(ids('exited').join(' ')).toBe(`b ${shutDown}`.trim());
      expect(ids('started').join(' ')).toBe(started);
      const isGone = !watched.supervisor.whichChildren().some(({ id }) => id === 'temporary');
      expect(isGone).toBe(strategy !== 'one_for_one');
    },
  );

  test.each([
    ['one_for_all', 1],
    ['one_for_one', 3],
  ] as const)('and a and c at the same moment, %s counts %i for the intensity', async (strategy, counted) => {
    await using watched = new Watched([{ id: 'a' }, { id: 'b' }, { id: 'c' }], { strategy, intensity: counted });
    await watched.started;
    const pids = [await watched.runs('a'), await watched.runs('b'), await watched.runs('c')];
    watched.events.length = 0;
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await until('all were started again', () => watched.starts.length === 3);
    expect(watched.told.filter((line) => line.startsWith('gave-up'))).toEqual([]);
    expect(watched.exits.map(({ willRestart }) => willRestart)).toEqual([true, true, true]);
  });
});

describe('a significant child that ended and stays down, with another one running', () => {
  test.each([
    ['any_significant', true],
    ['all_significant', false],
  ] as [AutoShutdown, boolean][])('with %s stops the supervisor: %s', async (autoShutdown, stops) => {
    const significant = { restart: 'transient', significant: true } as const;
    await using watched = new Watched(
      [
        { id: 'a', ...significant, how: 'returns when told' },
        { id: 'b', ...significant },
      ],
      { autoShutdown },
    );
    await watched.started;
    await watched.runs('b');
    process.kill(await watched.runs('a'), 'SIGUSR2');
    await until('its end was published', () => watched.exits.length > 0);
    if (stops) await watched.supervisor.finished;
    else expect(shapeOf(watched.supervisor)).toEqual({ a: 'stopped', b: expect.any(Number) });
  });
});

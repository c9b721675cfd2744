import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type ChildInfo, type NestedSupervisor } from '@aiopipe/process';
import { childPids, fixture, isRunning, leakCheck, turns, until } from '@aiopipe/testing';
import { childrenSince, commandOf, errorOf, randomFrom } from '../helpers.js';
import { shapeOf, Watched, type WatchedSpec } from '../watched.js';

afterAll(leakCheck());

describe('a nested supervisor', () => {
  const tree: WatchedSpec[] = [
    { id: 'a' },
    { id: 'tree', type: 'supervisor', children: [{ id: 'b' }, { id: 'c' }] },
    { id: 'd' },
  ];

  test('restarts its own children, and no child of its supervisor', async () => {
    await using watched = new Watched(tree);
    await watched.started;
    const before = shapeOf(watched.supervisor) as { tree: object };
    process.kill(await watched.runs('tree/b'), 'SIGKILL');
    await until('it was started again', () => watched.told.at(-1) === 'started tree/b');
    expect(shapeOf(watched.supervisor)).toEqual({ ...before, tree: { ...before.tree, b: expect.any(Number) } });
  });

  test('that gives up is a child that failed: the outer one restarts it, or gives up itself', async () => {
    await using watched = new Watched(tree);
    await watched.started;
    const [first] = watched.supervisor.whichChildren().filter(({ id }) => id === 'tree');
    watched.events.length = 0;
    for (let kills = 0; kills < 2; kills++) process.kill(await nextRun(watched, 'tree/b', kills), 'SIGKILL');
    await until('the tree was started again', () => watched.told.at(-1) === 'started tree');
    const life = ['started tree/b', 'started tree/c', 'started tree'];
    const death = [
      'exited tree/b',
      'started tree/b',
      'exited tree/b',
      'gave-up tree/b',
      'exited tree/c',
      'exited tree',
    ];
    expect(watched.told).toEqual([...death, ...life]);
    expect(watched.exits.at(-1)).toMatchObject({
      id: 'tree',
      pid: undefined,
      exitCode: null,
      reason: 'exit',
      willRestart: true,
      error: { code: 'ERR_AIOPIPE_INTENSITY' },
    });
    const [again] = watched.supervisor.whichChildren().filter(({ id }) => id === 'tree');
    expect(again?.supervisor).not.toBe(first?.supervisor);
    expect(again?.restarts).toBe(1);

    watched.events.length = 0;
    for (let kills = 0; kills < 2; kills++) process.kill(await nextRun(watched, 'tree/b', kills), 'SIGKILL');
    const error = await errorOf(watched.supervisor.finished);
    expect(error.message).toContain('tree');
    // It may have been killed before its function was called.
    const cause = { code: expect.stringMatching(/^ERR_AIOPIPE_(START|NO_RESULT)$/) as string, signalCode: 'SIGKILL' };
    expect(error.cause).toMatchObject({ code: 'ERR_AIOPIPE_INTENSITY', cause });
    expect(watched.told).toEqual([...death, 'gave-up tree', 'exited d', 'exited a']);
  });

  test('is stopped from right to left with its tree', async () => {
    await using watched = new Watched(tree);
    await watched.started;
    watched.events.length = 0;
    await watched.supervisor.stop();
    expect(watched.told).toEqual(['exited d', 'exited tree/c', 'exited tree/b', 'exited tree', 'exited a']);
    for (const exit of watched.exits) expect(exit).toMatchObject({ reason: 'shutdown', error: undefined });
  });

  test('whose child cannot be started could not be started itself', async () => {
    const how = (): never => {
      throw new Error('no way');
    };
    await using watched = new Watched([
      { id: 'a' },
      { id: 'tree', type: 'supervisor', children: [{ id: 'b' }, { id: 'bad', how }] },
    ]);
    const error = await errorOf(watched.started);
    expect(error.message).toMatch(/tree: .* bad: no way/);
    expect(watched.told).toEqual([
      'started a',
      'started tree/b',
      'start-failed tree/bad',
      'exited tree/b',
      'start-failed tree',
      'exited a',
    ]);
  });

  test('is terminated and restarted by hand like any child', async () => {
    await using watched = new Watched(tree);
    await watched.started;
    await watched.supervisor.terminateChild('tree');
    expect(shapeOf(watched.supervisor)).toMatchObject({ tree: 'stopped' });
    await watched.supervisor.restartChild('tree');
    expect(shapeOf(watched.supervisor)).toMatchObject({ tree: { b: expect.any(Number), c: expect.any(Number) } });
    expect(watched.supervisor.countChildren()).toEqual({ specs: 3, active: 3, supervisors: 1, workers: 2 });
  });
});

/** The pid of a child that was restarted so often since its events were forgotten. */
async function nextRun(watched: Watched, path: string, restarts: number): Promise<number> {
  await until('it was started', () => watched.told.filter((line) => line === `started ${path}`).length === restarts);
  const [parent = '', id = ''] = path.split('/');
  const { supervisor } = watched.supervisor.whichChildren().find((child) => child.id === parent) as ChildInfo;
  return supervisor?.whichChildren().find((child) => child.id === id)?.pid as number;
}

describe('autoShutdown', () => {
  const significant = { restart: 'transient', significant: true } as const;
  const children: WatchedSpec[] = [
    { id: 'permanent' },
    { id: 'one', how: 'returns when told', ...significant },
    { id: 'two', how: 'returns when told', ...significant },
  ];

  test('any_significant: the first significant child that ends well ends all', async () => {
    await using watched = new Watched(children, { autoShutdown: 'any_significant' });
    await watched.runs('two');
    process.kill(await watched.runs('one'), 'SIGUSR2');
    await until('it is about to stop', () => watched.exits.length > 0);
    process.kill(await pidOf(watched, 'two'), 'SIGUSR2');
    await watched.supervisor.finished;
    expect(watched.told.slice(3)).toEqual(['exited one', 'exited two', 'exited permanent']);
    expect(watched.exits.map(({ reason }) => reason)).toEqual(['exit', 'shutdown', 'shutdown']);
  });

  test('all_significant: the last one does', async () => {
    await using watched = new Watched(children, { autoShutdown: 'all_significant' });
    const [one, two] = [await watched.runs('one'), await watched.runs('two')];
    process.kill(two, 'SIGUSR2');
    await until('its end was told', () => watched.exits.length === 1);
    expect(shapeOf(watched.supervisor)).toMatchObject({ one, two: 'stopped' });
    process.kill(one, 'SIGUSR2');
    await watched.supervisor.finished;
    expect(watched.told.slice(3)).toEqual(['exited two', 'exited one', 'exited permanent']);
  });

  test('not for one that failed and is restarted, nor for one that is terminated', async () => {
    await using watched = new Watched(children, { autoShutdown: 'any_significant' });
    await watched.runs('two');
    process.kill(await watched.runs('one'), 'SIGKILL');
    await until('it was started again', () => watched.starts.length === 4);
    process.kill(await pidOf(watched, 'two'), 'SIGUSR2');
    await watched.supervisor.terminateChild('two');
    await turns();
    expect(watched.supervisor.whichChildren().length).toBe(3);
  });

  test('of a nested one is an end without failure', async () => {
    const nested: WatchedSpec = {
      id: 'job',
      type: 'supervisor',
      restart: 'transient',
      autoShutdown: 'all_significant',
      children: [{ id: 'work', how: 'return', ...significant }],
    };
    await using watched = new Watched([nested, { id: 'a' }]);
    await until('its end was told', () => watched.told.includes('exited job'));
    expect(watched.exits.at(-1)).toMatchObject({ id: 'job', error: undefined, willRestart: false });
    expect(shapeOf(watched.supervisor)).toMatchObject({ job: 'stopped', a: expect.any(Number) });
  });

  const pidOf = async (watched: Watched, id: string) =>
    watched.supervisor.whichChildren().find((child) => child.id === id)?.pid as number;
});

describe('a tree of three levels under random kills', () => {
  const treeWith = (intensity: number): WatchedSpec[] => [
    { id: 'a' },
    {
      id: 'rest',
      type: 'supervisor',
      strategy: 'rest_for_one',
      intensity,
      period: 1e9,
      children: [
        { id: 'b' },
        {
          id: 'all',
          type: 'supervisor',
          strategy: 'one_for_all',
          intensity,
          period: 1e9,
          children: [{ id: 'c' }, { id: 'd' }],
        },
        { id: 'e' },
      ],
    },
    { id: 'one', type: 'supervisor', intensity, period: 1e9, children: [{ id: 'f' }, { id: 'g', shutdown: 0 }] },
  ];

  const pidsOf = (supervisor: NestedSupervisor): number[] =>
    supervisor
      .whichChildren()
      .flatMap(({ pid, supervisor: nested }) =>
        nested === undefined ? (pid === undefined ? [] : [pid]) : pidsOf(nested),
      );

  /** Names only, where all runs. */
  const namesOf = (shape: Record<string, unknown>): unknown =>
    Object.fromEntries(
      Object.entries(shape).map(([id, what]) => [
        id,
        typeof what === 'object'
          ? namesOf(what as Record<string, unknown>)
          : typeof what === 'number' && isRunning(what),
      ]),
    );

  const flat = (shape: Record<string, unknown>, parent = ''): [path: string, pid: number][] =>
    Object.entries(shape).flatMap(([id, what]) =>
      typeof what === 'number' ? [[parent + id, what]] : flat(what as Record<string, unknown>, `${parent}${id}/`),
    );

  const FULL = { a: true, rest: { b: true, all: { c: true, d: true }, e: true }, one: { f: true, g: true } };

  test('returns to its full shape', async () => {
    const before = childPids();
    const random = randomFrom(20);
    await using watched = new Watched(treeWith(1e6), { intensity: 1e6 });
    await watched.started;
    const pids = new Map<string, number>();
    const isFull = () => JSON.stringify(namesOf(shapeOf(watched.supervisor))) === JSON.stringify(FULL);
    for (let kills = 0; kills < 120;) {
      const victims: number[] = [];
      // Some at once, some while others are being restarted for it.
      for (let burst = 1 + Math.floor(random() * 8); burst > 0; burst--) {
        const alive = pidsOf(watched.supervisor).filter(isRunning);
        const victim = alive[Math.floor(random() * alive.length)];
        if (victim === undefined) continue;
        process.kill(victim, 'SIGKILL');
        victims.push(victim);
        kills++;
        await turns(Math.floor(random() * 30));
      }
      await until('the tree is whole', () => !victims.some(isRunning) && isFull());
      if (random() < 0.75) continue;
      // Killed next are some that work, instead of some that boot.
      for (const [path, pid] of flat(shapeOf(watched.supervisor))) {
        if (pids.get(path) !== pid) expect(await watched.runs(path)).toBe(pid);
        pids.set(path, pid);
      }
    }
    expect(childrenSince(before)).toHaveLength(7);
    expect(watched.told.filter((line) => line.startsWith('gave-up'))).toEqual([]);
    await watched.supervisor.stop();
    expect(childrenSince(before)).toEqual([]);
  });

  test.each([1, 2, 3])('or gives up by its intensity, never anything else (seed %i)', async (seed) => {
    const before = childPids();
    const random = randomFrom(seed);
    await using watched = new Watched(treeWith(2), { intensity: 1, period: 1e9 });
    await watched.started;
    let isFinished = false;
    const finished = errorOf(watched.supervisor.finished).finally(() => (isFinished = true));
    while (!isFinished) {
      const alive = pidsOf(watched.supervisor).filter(isRunning);
      const victim = alive[Math.floor(random() * alive.length)];
      if (victim !== undefined) process.kill(victim, 'SIGKILL');
      await turns(Math.floor(random() * 60));
    }
    expect(await finished).toMatchObject({ code: 'ERR_AIOPIPE_INTENSITY' });
    expect(childrenSince(before)).toEqual([]);
    expect(watched.supervisor.countChildren().active).toBe(0);
    checkIntensities(watched);
  });

  /** Whom a supervisor of the tree restarts with a child; itself alone, if it is not named here. */
  const GROUPS: Readonly<Record<string, readonly string[]>> = {
    'rest/b': ['all', 'e'],
    'rest/all': ['e'],
    'rest/all/c': ['d'],
    'rest/all/d': ['c'],
  };

  /**
   * Each life of each supervisor has borne as many ends as its intensity says, and gave up at one more. A sibling that is killed
   * while it is shut down for a restart counts as part of that.
   */
  function checkIntensities(watched: Watched): void {
    const ends = new Map<string, number>();
    const shutDown = new Set<string>();
    for (const event of watched.events) {
      const path = event.path.join('/');
      const parent = event.path.slice(0, -1).join('/');
      const intensity = parent === '' ? 1 : 2;
      const count = ends.get(parent) ?? 0;
      if (event.type === 'gave-up') expect(count).toBe(intensity + 1);
      if (event.type === 'started') shutDown.delete(path);
      // The end of a supervisor's life comes after those of its children.
      else ends.delete(path);
      const isFailure =
        event.type === 'start-failed' ||
        (event.type === 'exited' && event.reason === 'exit' && event.error !== undefined && !shutDown.has(path));
      if (!isFailure) continue;
      ends.set(parent, count + 1);
      for (const sibling of GROUPS[path] ?? []) shutDown.add(`${parent}/${sibling}`);
    }
  }
});

test('a parent that is killed in the middle of restarts leaves nothing', async () => {
  const running = (name: string) =>
    readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && commandOf(Number(pid)).at(-1) === name);
  for (const starts of [1, 5, 14]) {
    const name = `tree-${String(process.pid)}-${String(starts)}`;
    const parent = spawn(process.execPath, [fixture('supervises-a-tree'), name], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let lines = 0;
    createInterface(parent.stdout).on('line', () => lines++);
    await until('as many were started', () => lines >= starts);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    // The parent's own last word is the name, too.
    await until('all are gone', () => running(name).length === 0);
  }
});

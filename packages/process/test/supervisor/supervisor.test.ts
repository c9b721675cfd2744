import { afterAll, describe, expect, test } from 'vitest';
import { aiopipe, ClosedError, type WriteEnd } from '@aiopipe/core';
import { ChildError, Supervisor, SupervisorError, type ChildSpec } from '@aiopipe/process';
import { childPids, isPending, isRunning, leakCheck, until } from '@aiopipe/testing';
import { idle, live } from '../fixtures/lives-somehow.js';
import { childrenSince, errorOf, thrownBy } from '../helpers.js';
import { Watched } from '../watched.js';

afterAll(leakCheck());

describe('a child that ends', () => {
  test('is started again if it is permanent, however it ended', async () => {
    for (const how of ['return', 'fail', 'exit 3']) {
      await using watched = new Watched([{ id: 'a', how }], { intensity: 1 });
      await until('it was started twice', () => watched.starts.length === 2);
      expect(watched.told.slice(0, 3)).toEqual(['started a', 'exited a', 'started a']);
      expect(watched.exits[0]).toMatchObject({ id: 'a', willRestart: true, pid: watched.starts[0]?.pid });
      expect(watched.exits[0]?.exitCode).toBe({ return: 0, fail: 1, 'exit 3': 3 }[how]);
      expect(watched.exits[0]?.error === undefined).toBe(how === 'return');
      expect(watched.starts.map(({ restarts }) => restarts)).toEqual([0, 1]);
    }
  });

  test('is started again if it is transient and failed', async () => {
    await using watched = new Watched([{ id: 'a', how: 'fail', restart: 'transient' }]);
    await until('it was started twice', () => watched.starts.length === 2);
    expect(watched.exits[0]?.error).toBeInstanceOf(ChildError);
  });

  test('is not started again if it is transient and returned', async () => {
    await using watched = new Watched([{ id: 'a', how: 'return', restart: 'transient' }]);
    await until('its end was told', () => watched.exits.length === 1);
    expect(watched.exits).toMatchObject([{ willRestart: false, exitCode: 0, error: undefined }]);
    expect(watched.supervisor.whichChildren()).toMatchObject([{ id: 'a', state: 'stopped' }]);
  });

  test.each(['return', 'fail', 'exit 3'])('is not started again if it is temporary (%s)', async (how) => {
    await using watched = new Watched([{ id: 'a', how, restart: 'temporary' }]);
    await until('its end was told', () => watched.exits.length === 1);
    expect(watched.exits).toMatchObject([{ willRestart: false }]);
    expect(watched.supervisor.whichChildren()).toEqual([]);
  });

  test('leaves its siblings alone', async () => {
    await using watched = new Watched([{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
    const pids = [await watched.runs('a'), await watched.runs('b'), await watched.runs('c')];
    process.kill(pids[1] as number, 'SIGKILL');
    await until('it was started again', () => watched.starts.length === 4);
    expect(watched.exits).toMatchObject([{ id: 'b', signalCode: 'SIGKILL', exitCode: null, pid: pids[1] }]);
    const again = await watched.runs('b');
    expect(again).not.toBe(pids[1]);
    expect(watched.running.map(({ id, pid }) => [id, pid])).toEqual([
      ['a', pids[0]],
      ['b', again],
      ['c', pids[2]],
    ]);
  });

  test('gets new arguments each time', async () => {
    await using watched = new Watched([{ id: 'a' }], { intensity: 5 });
    const pids: number[] = [];
    for (let i = 0; i < 3; i++) {
      const pid = await watched.runs('a');
      pids.push(pid);
      process.kill(pid, 'SIGKILL');
      await until('it was started again', () => watched.starts.length === pids.length + 1);
    }
    expect(new Set(pids).size).toBe(3);
  });

  test('is published before the supervisor acts on it', async () => {
    await using watched = new Watched([{ id: 'a' }]);
    const pid = await watched.runs('a');
    const seen: unknown[] = [];
    watched.supervisor.once('exited', () => seen.push(watched.running.length, watched.starts.length));
    process.kill(pid, 'SIGKILL');
    await until('it was started again', () => watched.starts.length === 2);
    expect(seen).toEqual([0, 1]);
  });

  test('leaves its supervisor running, also if it was the last', async () => {
    await using watched = new Watched([{ id: 'a', how: 'return', restart: 'temporary' }]);
    await until('its end was told', () => watched.exits.length === 1);
    expect(await isPending(watched.supervisor.finished)).toBe(true);
    await watched.supervisor.startChild(watched.spec({ id: 'b' }));
    expect(watched.told).toEqual(['started a', 'exited a', 'started b']);
  });

  test('may have its handle closed by a listener', async () => {
    await using watched = new Watched([{ id: 'a', how: 'fail', restart: 'temporary' }, { id: 'b' }]);
    await watched.started;
    const [{ process: child } = {}] = watched.starts;
    await child?.join();
    child?.close();
    await until('its end was told', () => watched.exits.length === 1);
    expect(watched.exits[0]).toMatchObject({ id: 'a', exitCode: 1 });
    expect(watched.running.map(({ id }) => id)).toEqual(['b']);
  });
});

describe('a supervisor gives up', () => {
  test('when its intensity is exceeded: it says so, ends the others, and finished rejects', async () => {
    await using watched = new Watched([{ id: 'good' }, { id: 'bad', how: 'fail' }], { intensity: 2 });
    const error = (await errorOf(watched.supervisor.finished)) as SupervisorError;
    expect(error).toBeInstanceOf(SupervisorError);
    expect(error.code).toBe('ERR_AIOPIPE_INTENSITY');
    expect(error.message).toContain('bad');
    expect(error.cause).toBeInstanceOf(ChildError);
    expect(watched.told.filter((line) => !line.endsWith('good'))).toEqual([
      'started bad',
      'exited bad',
      'started bad',
      'exited bad',
      'started bad',
      'exited bad',
      'gave-up bad',
    ]);
    expect(watched.told.at(-1)).toBe('exited good');
    expect(watched.exits.filter(({ id }) => id === 'bad').map(({ willRestart }) => willRestart)).toEqual([
      true,
      true,
      false,
    ]);
    expect(watched.running.length).toBe(0);
  });

  test('at once with an intensity of 0', async () => {
    await using watched = new Watched([{ id: 'a', how: 'fail' }], { intensity: 0 });
    await errorOf(watched.supervisor.finished);
    expect(watched.starts).toHaveLength(1);
  });

  test('not if the restarts are further apart than its period', async () => {
    await using watched = new Watched([{ id: 'a', how: 'fail' }], { intensity: 1, period: 1 });
    await until('it was started five times', () => watched.starts.length >= 5);
  });

  test('also if a listener stops it', async () => {
    await using watched = new Watched([{ id: 'a', how: 'fail' }, { id: 'b' }], { intensity: 0 });
    watched.supervisor.on('gave-up', () => void watched.supervisor.stop());
    expect(await errorOf(watched.supervisor.finished)).toBeInstanceOf(SupervisorError);
  });

  test('if its arguments cannot be made again', async () => {
    const [rx, tx] = aiopipe();
    // Not a function: they have moved with the first start.
    const supervisor = new Supervisor([
      { id: 'a', target: live, args: [tx, 'fail'] } satisfies ChildSpec<[WriteEnd, string]>,
    ]);
    await supervisor.start();
    const error = await errorOf(supervisor.finished);
    expect(error.code).toBe('ERR_AIOPIPE_INTENSITY');
    expect(error.cause).toMatchObject({ code: 'ERR_AIOPIPE_MOVED' });
    rx.close();
  });
});

describe('stop()', () => {
  test('ends the children from right to left, each before the next, and tells of each', async () => {
    await using watched = new Watched([{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
    for (const id of ['a', 'b', 'c']) await watched.runs(id);
    const alive: string[][] = [];
    watched.supervisor.on('exited', () => alive.push(watched.running.map(({ id }) => id)));
    await watched.supervisor.stop();
    expect(watched.exits.map(({ id, signalCode, willRestart }) => [id, signalCode, willRestart])).toEqual([
      ['c', 'SIGTERM', false],
      ['b', 'SIGTERM', false],
      ['a', 'SIGTERM', false],
    ]);
    expect(alive).toEqual([['a', 'b'], ['a'], []]);
    await watched.supervisor.finished;
  });

  test('kills a child that ignores SIGTERM when its shutdown time is over', async () => {
    await using watched = new Watched([{ id: 'a' }, { id: 'deaf', how: 'deaf', shutdown: 50 }]);
    for (const id of ['a', 'deaf']) await watched.runs(id);
    await watched.supervisor.stop();
    expect(watched.exits.map(({ id, signalCode }) => [id, signalCode])).toEqual([
      ['deaf', 'SIGKILL'],
      ['a', 'SIGTERM'],
    ]);
  });

  test('kills a child at once whose shutdown time is 0', async () => {
    await using watched = new Watched([{ id: 'a', shutdown: 0 }]);
    await watched.runs('a');
    await watched.supervisor.stop();
    expect(watched.exits).toMatchObject([{ reason: 'shutdown', signalCode: 'SIGKILL', error: undefined }]);
  });

  test('waits for a child whose shutdown time is Infinity', async () => {
    await using watched = new Watched([{ id: 'a', how: 'returns when told', shutdown: Infinity }]);
    const pid = await watched.runs('a');
    const stopped = watched.supervisor.stop();
    expect(await isPending(stopped)).toBe(true);
    process.kill(pid, 'SIGUSR2');
    await stopped;
    expect(watched.exits).toMatchObject([{ reason: 'shutdown', exitCode: 0, signalCode: null }]);
  });

  test('may be called at any time, and more than once', async () => {
    const watched = new Watched([{ id: 'a' }, { id: 'b' }]);
    await watched.started;
    await Promise.all([watched.supervisor.stop(), watched.supervisor.stop()]);
    await watched.supervisor.stop();
    await watched.supervisor.finished;
    expect(watched.exits).toHaveLength(2);
    expect(await errorOf(watched.supervisor.restartChild('a'))).toBeInstanceOf(ClosedError);
    await watched[Symbol.asyncDispose]();
  });

  test('in a listener keeps the child from being started again', async () => {
    await using watched = new Watched([{ id: 'a' }]);
    watched.supervisor.on('exited', () => void watched.supervisor.stop());
    process.kill(await watched.runs('a'), 'SIGKILL');
    await watched.supervisor.finished;
    expect(watched.starts).toHaveLength(1);
  });

  test('comes with the end of an `await using` block', async () => {
    const before = childPids();
    let pid = 0;
    {
      await using supervisor = new Supervisor([
        {
          id: 'a',
          target: live,
          args: () => {
            const [rx, tx] = aiopipe();
            rx.close();
            return [tx, 'wait'];
          },
        } satisfies ChildSpec<[WriteEnd, string]>,
      ]);
      supervisor.on('started', ({ process: child }) => (pid = child?.pid as number));
      await supervisor.start();
      expect(isRunning(pid)).toBe(true);
    }
    expect(isRunning(pid)).toBe(false);
    expect(childrenSince(before)).toEqual([]);
  });
});

describe('stop() ends everything', () => {
  const isOver = async (watched: Watched) => {
    await watched.supervisor.stop();
    const told = watched.told.length;
    expect(watched.supervisor.countChildren().active).toBe(0);
    expect(await errorOf(watched.supervisor.startChild(watched.spec({ id: 'late' })))).toBeInstanceOf(ClosedError);
    expect(watched.told).toHaveLength(told);
  };

  test('before the start, which then is refused', async () => {
    const supervisor = new Supervisor([{ id: 'a', target: idle }]);
    await supervisor.stop();
    await supervisor.finished;
    expect(await errorOf(supervisor.start())).toBeInstanceOf(ClosedError);
  });

  test('while a child is awaited to be ready, which rejects start()', async () => {
    await using watched = new Watched([{ id: 'a' }, { id: 'b', ready: {} }, { id: 'c' }]);
    await watched.runs('b');
    expect(watched.supervisor.whichChildren().map(({ state }) => state)).toEqual(['running', 'starting', 'stopped']);
    await isOver(watched);
    expect(await errorOf(watched.started)).toBeInstanceOf(ClosedError);
    await watched.supervisor.finished;
    expect(watched.told).toEqual(['started a', 'start-failed b', 'exited a']);
  });

  test('while a restart waits for its time', async () => {
    await using watched = new Watched([{ id: 'a' }, { id: 'b' }], { backoff: { initial: 1e6, max: 1e6 } });
    process.kill(await watched.runs('b'), 'SIGKILL');
    await until('its end was told', () => watched.exits.length === 1);
    expect(watched.supervisor.whichChildren()).toMatchObject([{ state: 'running' }, { state: 'restarting' }]);
    await isOver(watched);
    expect(watched.told).toEqual(['started a', 'started b', 'exited b', 'exited a']);
  });

  test('while a sibling is being shut down for a restart', async () => {
    await using watched = new Watched([{ id: 'a' }, { id: 'b' }, { id: 'deaf', how: 'deaf', shutdown: 300 }], {
      strategy: 'one_for_all',
    });
    const [, b] = [await watched.runs('a'), await watched.runs('b'), await watched.runs('deaf')];
    process.kill(b, 'SIGKILL');
    await until('its end was told', () => watched.exits.length === 1);
    await isOver(watched);
    expect(watched.told.slice(3)).toEqual(['exited b', 'exited deaf', 'exited a']);
  });

  test('while a restarted child is awaited to be ready', async () => {
    let starts = 0;
    await using watched = new Watched([
      { id: 'a', how: () => (starts++ === 0 ? 'ready' : 'wait'), ready: {} },
      { id: 'b' },
    ]);
    process.kill(await watched.runs('a'), 'SIGKILL');
    await until('it is started again', () => starts === 2);
    await watched.runs('a');
    await isOver(watched);
    expect(watched.told.slice(2)).toEqual(['exited a', 'exited b', 'start-failed a']);
  });

  test.each(['started', 'exited', 'gave-up'] as const)('in a listener of %s', async (type) => {
    await using watched = new Watched([{ id: 'a', how: 'fail' }, { id: 'b' }], {
      intensity: type === 'gave-up' ? 0 : 9,
    });
    watched.supervisor.once(type, () => void watched.supervisor.stop());
    await watched.supervisor.finished.catch(() => undefined);
    await isOver(watched);
    const told = watched.told.filter((line) => !line.startsWith('gave-up'));
    expect(told).toEqual(
      type === 'started' ? ['started a', 'exited a'] : ['started a', 'started b', 'exited a', 'exited b'],
    );
  });

  test('while a call for a child waits for its turn, which is refused', async () => {
    await using watched = new Watched([{ id: 'a', ready: {} }]);
    const call = watched.supervisor.terminateChild('a');
    await isOver(watched);
    expect(await errorOf(call)).toBeInstanceOf(ClosedError);
  });
});

describe('a supervisor refuses', () => {
  test('two children of one name', () => {
    const spec = { id: 'twin', target: idle };
    expect(thrownBy(() => new Supervisor([spec, spec])).message).toContain('twin');
  });

  test.each([
    { intensity: -1 },
    { intensity: 1.5 },
    { period: 0 },
    { period: NaN },
    { strategy: 'all' as 'one_for_one' },
  ])('%j', (options) => {
    expect(thrownBy(() => new Supervisor([], options))).toBeInstanceOf(TypeError);
  });

  test.each([
    ['child spec', null],
    ['target', { id: 'a' }],
    ['target', { id: 'a', target: () => 1 }],
    ['args', { id: 'a', target: live, args: 'x' }],
    ['options', { id: 'a', target: live, options: 5 }],
    ['options.cwd', { id: 'a', target: live, options: { cwd: 5 } }],
    ['options.execArgv[0]', { id: 'a', target: live, options: { execArgv: [5] } }],
    ['options.stdin', { id: 'a', target: live, options: { stdin: 'nothing' } }],
    ['options.daemon, detached', { id: 'a', target: live, options: { daemon: true, detached: true } }],
    ['options.daemon', { id: 'a', target: live, options: { daemon: 1 } }],
    ['options.name', { id: 'a', target: live, options: { name: 'a\0b' } }],
    ['options.prefork', { id: 'a', target: live, options: { prefork: {} } }],
    ['id', { id: 'a\0b', target: live }],
    ['ready', { id: 'a', target: live, ready: true }],
    ['heartbeat', { id: 'a', target: live, heartbeat: null }],
    ['target', { id: 'a', type: 'supervisor', children: [{ id: 'b', target: 5 }] }],
  ])('is refused at once for a spec whose %s is none', (field, spec) => {
    const error = thrownBy(() => new Supervisor([spec as never]));
    expect(error).toBeInstanceOf(TypeError);
    expect((error as TypeError).message).toContain(field);
  });

  test('to start if one of its children cannot be, and ends those that were', async () => {
    const [rx, tx] = aiopipe();
    const specs: ChildSpec<[WriteEnd, string]>[] = [
      { id: 'good', target: live, args: [tx, 'wait'] },
      { id: 'bad', target: live, args: [(() => undefined) as unknown as WriteEnd, ''] },
    ];
    const supervisor = new Supervisor(specs);
    const error = await errorOf(supervisor.start());
    expect(error).toMatchObject({ name: 'SupervisorError', code: 'ERR_AIOPIPE_START' });
    expect(error.message).toMatch(/bad.*function/);
    expect(await errorOf(supervisor.finished)).toBe(error);
    expect(supervisor.countChildren()).toMatchObject({ specs: 2, active: 0 });
    rx.close();
  });

  test('to start its children twice', async () => {
    await using watched = new Watched([{ id: 'a' }]);
    await watched.supervisor.start();
    expect(watched.starts).toHaveLength(1);
  });
});

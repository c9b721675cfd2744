import { afterAll, describe, expect, test } from 'vitest';
import { BusyError, ClosedError } from '@aiopipe/core';
import { ProcessHandle, Supervisor, SupervisorError, type AnyChildSpec, type ChildSpec } from '@aiopipe/process';
import { leakCheck, until } from '@aiopipe/testing';
import { idle } from '../fixtures/lives-somehow.js';
import { errorOf, thrownBy } from '../helpers.js';
import { shapeOf, Watched } from '../watched.js';

afterAll(leakCheck());

const unknown = { name: 'SupervisorError', code: 'ERR_AIOPIPE_CHILD_ID' };

describe('startChild()', () => {
  test('adds a child on the right, and resolves to its process', async () => {
    await using watched = new Watched([{ id: 'a' }]);
    const child = await watched.supervisor.startChild(watched.spec({ id: 'b' }));
    expect(child).toBeInstanceOf(ProcessHandle);
    expect(child.pid).toBe(await watched.runs('b'));
    expect(watched.supervisor.whichChildren()).toMatchObject([
      { id: 'a', type: 'worker', state: 'running', restarts: 0 },
      { id: 'b', type: 'worker', state: 'running', restarts: 0, pid: child.pid, process: child, supervisor: undefined },
    ]);
    process.kill(child.pid as number, 'SIGKILL');
    await until('it was started again', () => watched.starts.length === 3);
    expect(watched.supervisor.whichChildren()).toMatchObject([{ restarts: 0 }, { restarts: 1 }]);
  });

  test('resolves when the child is ready, if its spec asks for that', async () => {
    await using watched = new Watched([]);
    const started = watched.supervisor.startChild(watched.spec({ id: 'a', how: 'ready when told', ready: {} }));
    const pid = await watched.runs('a');
    expect(shapeOf(watched.supervisor)).toEqual({ a: 'starting' });
    expect(watched.supervisor.countChildren()).toEqual({ specs: 1, active: 1, supervisors: 0, workers: 1 });
    process.kill(pid, 'SIGUSR2');
    expect((await started).pid).toBe(pid);
    expect(shapeOf(watched.supervisor)).toEqual({ a: pid });
  });

  test('adds a nested supervisor, and resolves to it', async () => {
    await using watched = new Watched([{ id: 'a' }]);
    const nested = await watched.supervisor.startChild({ id: 'tree', type: 'supervisor', children: [] });
    expect(nested).toBeInstanceOf(Supervisor);
    await nested.startChild(watched.spec({ id: 'leaf' }, 'tree/'));
    const leaf = await watched.runs('tree/leaf');
    expect(shapeOf(watched.supervisor)).toMatchObject({ tree: { leaf } });
    expect(watched.supervisor.countChildren()).toEqual({ specs: 2, active: 2, supervisors: 1, workers: 1 });
    expect(watched.told).toEqual(['started a', 'started tree', 'started tree/leaf']);
  });

  test('refuses an id that is taken, also by a child that has ended', async () => {
    await using watched = new Watched([{ id: 'a' }, { id: 'ended', how: 'return', restart: 'transient' }]);
    await until('it ended', () => watched.exits.length === 1);
    for (const [id, message] of [
      ['a', '"a", which is running; choose another id, or terminateChild() and deleteChild() it first'],
      ['ended', '"ended", which is stopped; call restartChild(), or deleteChild() first'],
    ] as const) {
      const error = await errorOf(watched.supervisor.startChild(watched.spec({ id })));
      expect(error).toMatchObject({ ...unknown, message: `the supervisor already has a child ${message}` });
    }
  });

  test('forgets a child that cannot be started, and tells why', async () => {
    await using watched = new Watched([{ id: 'a' }]);
    const how = (): never => {
      throw new RangeError('out of ports');
    };
    const error = await errorOf(watched.supervisor.startChild(watched.spec({ id: 'b', how })));
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_START', cause: { message: 'out of ports' } });
    expect(error.message).toMatch(/ b: out of ports/);
    expect(watched.told).toEqual(['started a', 'start-failed b']);
    expect(watched.supervisor.countChildren().specs).toBe(1);
    const spawned = watched.spec({ id: 'b', options: { cwd: '/not/there' } });
    expect(await errorOf(watched.supervisor.startChild(spawned))).toMatchObject({
      code: 'ERR_AIOPIPE_START',
      cause: { code: 'ERR_AIOPIPE_START' },
    });
    await watched.supervisor.startChild(watched.spec({ id: 'b' }));
  });

  test('and all calls for children are refused before start()', async () => {
    const supervisor = new Supervisor([{ id: 'a', target: idle }]);
    const calls = [
      supervisor.startChild({ id: 'b', target: idle }),
      supervisor.terminateChild('a'),
      supervisor.restartChild('a'),
      supervisor.deleteChild('a'),
    ];
    for (const call of calls) {
      const error = await errorOf(call);
      expect(error).toBeInstanceOf(ClosedError);
      expect(error.message).toContain('start()');
    }
    expect(supervisor.whichChildren()).toMatchObject([{ id: 'a', state: 'stopped', pid: undefined }]);
  });
});

describe('terminateChild()', () => {
  test('ends a child, which stays ended, and may be restarted or deleted', async () => {
    await using watched = new Watched([{ id: 'a' }, { id: 'b' }]);
    const pid = await watched.runs('a');
    await watched.supervisor.terminateChild('a');
    expect(watched.exits).toMatchObject([
      { id: 'a', pid, reason: 'shutdown', signalCode: 'SIGTERM', willRestart: false },
    ]);
    await watched.supervisor.terminateChild('a');
    expect(shapeOf(watched.supervisor)).toMatchObject({ a: 'stopped' });
    expect(watched.supervisor.countChildren()).toEqual({ specs: 2, active: 1, supervisors: 0, workers: 2 });

    const child = (await watched.supervisor.restartChild('a')) as ProcessHandle;
    expect(child.pid).not.toBe(pid);
    expect(watched.supervisor.whichChildren()).toMatchObject([{ id: 'a', pid: child.pid, restarts: 1 }, { id: 'b' }]);
    await watched.supervisor.terminateChild('a');
    await watched.supervisor.deleteChild('a');
    expect(watched.supervisor.whichChildren().map(({ id }) => id)).toEqual(['b']);
  });

  test('forgets a temporary child', async () => {
    await using watched = new Watched([{ id: 'a', restart: 'temporary' }]);
    await watched.runs('a');
    await watched.supervisor.terminateChild('a');
    expect(watched.supervisor.whichChildren()).toEqual([]);
  });

  test('keeps a child from being started again that waits for it', async () => {
    await using watched = new Watched([{ id: 'a' }], { backoff: { initial: 1e6, max: 1e6 } });
    process.kill(await watched.runs('a'), 'SIGKILL');
    await until('it waits', () => watched.exits.length === 1);
    expect(shapeOf(watched.supervisor)).toEqual({ a: 'restarting' });
    for (const call of ['restartChild', 'deleteChild'] as const)
      expect(await errorOf(watched.supervisor[call]('a'))).toBeInstanceOf(BusyError);
    await watched.supervisor.terminateChild('a');
    expect(shapeOf(watched.supervisor)).toEqual({ a: 'stopped' });
    await watched.supervisor.deleteChild('a');
  });
});

describe('restartChild() and deleteChild()', () => {
  test('refuse a child that runs', async () => {
    await using watched = new Watched([{ id: 'a' }]);
    for (const call of ['restartChild', 'deleteChild'] as const) {
      const error = await errorOf(watched.supervisor[call]('a'));
      expect(error).toBeInstanceOf(BusyError);
      expect(error.message).toContain('terminateChild()');
    }
  });

  test('keep the spec if the restart fails', async () => {
    let mayStart = true;
    const how = () => {
      if (!mayStart) throw new Error('not now');
      return 'wait';
    };
    await using watched = new Watched([{ id: 'a', how }]);
    await watched.runs('a');
    await watched.supervisor.terminateChild('a');
    mayStart = false;
    expect(await errorOf(watched.supervisor.restartChild('a'))).toBeInstanceOf(SupervisorError);
    expect(shapeOf(watched.supervisor)).toEqual({ a: 'stopped' });
    mayStart = true;
    await watched.supervisor.restartChild('a');
    expect(watched.running).toHaveLength(1);
  });
});

test('an unknown id is refused, and the error names the children', async () => {
  await using watched = new Watched([{ id: 'a' }, { id: 'b' }]);
  for (const call of ['terminateChild', 'restartChild', 'deleteChild'] as const) {
    const error = await errorOf(watched.supervisor[call]('nobody'));
    expect(error).toMatchObject(unknown);
    expect(error.message).toMatch(/"nobody".*a, b/);
  }
});

test('calls at once are done in their order', async () => {
  await using watched = new Watched([{ id: 'a' }]);
  const { supervisor } = watched;
  const done: string[] = [];
  const note = (what: string) => () => done.push(what);
  await Promise.all([
    supervisor.startChild(watched.spec({ id: 'b' })).then(note('start b')),
    supervisor.terminateChild('a').then(note('terminate a')),
    supervisor.restartChild('a').then(note('restart a')),
    supervisor.startChild(watched.spec({ id: 'b' })).catch(note('refuse b')),
    supervisor.terminateChild('b').then(note('terminate b')),
    supervisor.deleteChild('b').then(note('delete b')),
    supervisor.startChild(watched.spec({ id: 'b' })).then(note('start b again')),
  ]);
  expect(done).toEqual(['start b', 'terminate a', 'restart a', 'refuse b', 'terminate b', 'delete b', 'start b again']);
  expect(watched.told).toEqual(['started a', 'started b', 'exited a', 'started a', 'exited b', 'started b']);
});

describe('a supervisor refuses', () => {
  const spec = { id: 'a', target: idle };
  test.each([
    ['restart', { ...spec, restart: 'always' as 'permanent' }],
    ['shutdown', { ...spec, shutdown: -1 }],
    ['ready.timeout', { ...spec, ready: { timeout: NaN } }],
    ['heartbeat.interval', { ...spec, heartbeat: { interval: 0, deadline: 1 } }],
    ['heartbeat.deadline', { ...spec, heartbeat: { interval: 1, deadline: NaN } }],
    ['significant', { ...spec, significant: true }],
    ['significant', { ...spec, significant: 'yes' as unknown as true }],
    ['significant', { ...spec, significant: true, restart: 'transient' as const }],
    ['id', { ...spec, id: '' }],
    ['type', { ...spec, type: 'job' as 'worker' }],
    ['strategy', { id: 'a', type: 'supervisor' as const, children: [], strategy: 'all' as 'one_for_all' }],
    ['"twin"', { id: 'a', type: 'supervisor' as const, children: ['twin', 'twin'].map((id) => ({ ...spec, id })) }],
  ])('a child with a wrong %s: %j', async (what, wrong) => {
    const error = thrownBy(() => new Supervisor([wrong as AnyChildSpec]));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(what);
    await using supervisor = await new Supervisor([]).start();
    expect(await errorOf(supervisor.startChild(wrong as ChildSpec<[]>))).toBeInstanceOf(TypeError);
  });

  test.each([
    { initial: 0 },
    { initial: undefined as unknown as number },
    { initial: 1, factor: 0.5 },
    { initial: 1, max: NaN },
    { initial: 100, max: 50 },
    { initial: 1, jitter: 2 },
  ])('the backoff %j', (backoff) => {
    expect(thrownBy(() => new Supervisor([], { backoff })).message).toContain('backoff.');
  });

  test('one that is among its own children', () => {
    const children: AnyChildSpec[] = [];
    const ring = { id: 'ring', type: 'supervisor', children } as const;
    children.push({ id: 'link', type: 'supervisor', children: [ring] });
    expect(thrownBy(() => new Supervisor([ring])).message).toMatch(/"ring\/link\/ring".*its own children/);
  });
});

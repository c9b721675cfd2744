import { afterAll, describe, expect, test } from 'vitest';
import { Supervisor, SupervisorError, type ChildStartFailed } from '@aiopipe/process';
import { leakCheck } from '@aiopipe/testing';
import { idle, live } from '../fixtures/lives-somehow.js';
import { errorOf } from '../helpers.js';
import { Watched } from '../watched.js';

afterAll(leakCheck());

/** Whether the stack begins in this file. */
const isOfCaller = ({ stack = '' }: Error) =>
  /^[^\n]*(\n(?! {4}at )[^\n]*)*\n {4}at [^\n]*errors\.test\.ts/.test(stack);

describe('an error of a supervisor has the line of the call that it is about', () => {
  const cannot = (): never => {
    throw new Error('cannot be made');
  };

  test('start(), and `finished` of one that did not start', async () => {
    const supervisor = new Supervisor([{ id: 'a', target: live, args: cannot }]);
    const error = await errorOf(supervisor.start());
    expect(isOfCaller(error)).toBe(true);
    expect(await errorOf(supervisor.finished)).toBe(error);
  });

  test('start() for one that gave up later, at any depth', async () => {
    let starts = 0;
    const tree = { id: 'tree', type: 'supervisor', intensity: 0, children: [{ id: 'a', target: idle }] } as const;
    const supervisor = new Supervisor([tree], { intensity: 0 });
    supervisor.on('started', ({ pid }) => {
      if (starts++ === 0 && pid !== undefined) process.kill(pid, 'SIGKILL');
    });
    await supervisor.start();
    const error = await errorOf(supervisor.finished);
    expect(error.message).toMatch(/^the supervisor gave up: tree .*supervisor tree gave up: a .*process a \(pid \d+\)/);
    expect(isOfCaller(error)).toBe(true);
    expect(isOfCaller(error.cause as Error)).toBe(true);
  });

  test('each call for a child', async () => {
    await using supervisor = await new Supervisor([{ id: 'a', target: idle }]).start();
    const calls = [
      supervisor.startChild({ id: 'b', target: live, args: cannot }),
      supervisor.startChild({ id: 'a', target: idle }),
      supervisor.terminateChild('unknown'),
      supervisor.restartChild('a'),
      supervisor.deleteChild('a'),
    ];
    for (const call of calls) expect(isOfCaller(await errorOf(call))).toBe(true);
    await supervisor.stop();
    expect(isOfCaller(await errorOf(supervisor.restartChild('a')))).toBe(true);
  });

  test('events()', async () => {
    await using supervisor = new Supervisor([]);
    const controller = new AbortController();
    const events = supervisor.events({ signal: controller.signal });
    const waiting = events.next();
    controller.abort();
    expect(isOfCaller(await errorOf(waiting))).toBe(true);
  });
});

describe('a function that makes args may throw anything:', () => {
  const unreadable = Object.defineProperty(new Error(), 'message', {
    get() {
      throw new Error('of the getter');
    },
  });
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();

  test.each([
    ['undefined', undefined],
    ['a symbol', Symbol('it')],
    ['an object without a prototype', Object.create(null) as unknown],
    ['an error whose message throws', unreadable],
    ['a revoked proxy', revoked.proxy],
  ])('%s', async (_, thrown) => {
    await using first = new Watched([{ id: 'a', how: () => raise(thrown) }]);
    expect(await errorOf(first.started)).toMatchObject({ code: 'ERR_AIOPIPE_START' });

    let starts = 0;
    const how = () => (starts++ === 0 ? 'fail' : raise(thrown));
    await using second = new Watched([{ id: 'a', how }], { intensity: 2 });
    const error = await errorOf(second.supervisor.finished);
    expect(error).toBeInstanceOf(SupervisorError);
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_INTENSITY' });
    expect(second.told).toEqual(['started a', 'exited a', 'start-failed a', 'start-failed a', 'gave-up a']);
    const failed = second.events.filter((event): event is ChildStartFailed => event.type === 'start-failed');
    for (const event of failed) expect(event.error).toBeInstanceOf(Error);
  });

  function raise(thrown: unknown): never {
    throw thrown;
  }
});

test('a supervisor that cannot nest a child as it was checked says so', async () => {
  const children = [{ id: 'a', target: idle }];
  await using supervisor = new Supervisor([{ id: 'tree', type: 'supervisor', children }]);
  children.push({ id: 'a', target: idle });
  const error = await errorOf(supervisor.start());
  expect(error).toMatchObject({ code: 'ERR_AIOPIPE_START', cause: { name: 'TypeError' } });
  expect(error.message).toMatch(/could not start tree: two children have the id "a"/);
});

import { afterAll, describe, expect, test } from 'vitest';
import { QueueFullError } from '@aiopipe/codec';
import { type SupervisorEvent } from '@aiopipe/process';
import { isPending, leakCheck, runFixture, until } from '@aiopipe/testing';
import { errorOf } from '../helpers.js';
import { Watched } from '../watched.js';

afterAll(leakCheck());

const throwing = (): never => {
  throw new Error('cannot be started');
};

describe('events()', () => {
  test('yields what the emitter emits, from the call on, and ends when the supervisor has finished', async () => {
    await using watched = new Watched([{ id: 'a' }, { id: 'tree', type: 'supervisor', children: [{ id: 'b' }] }]);
    await watched.started;
    const events = watched.supervisor.events();
    const from = watched.events.length;
    process.kill(await watched.runs('tree/b'), 'SIGKILL');
    await until('it was started again', () => watched.starts.length === 4);
    await watched.supervisor.stop();
    const seen: SupervisorEvent[] = [];
    for await (const event of events) seen.push(event);
    expect(seen).toEqual(watched.events.slice(from));
    expect(watched.told).toEqual([
      'started a',
      'started tree/b',
      'started tree',
      'exited tree/b',
      'started tree/b',
      'exited tree/b',
      'exited tree',
      'exited a',
    ]);
  });

  test('can be told apart by their type', async () => {
    await using watched = new Watched([{ id: 'a', how: 'fail' }], { intensity: 1 });
    const told: unknown[] = [];
    const events = watched.supervisor.events();
    for await (const event of events) {
      if (event.type === 'started') told.push([event.type, event.restarts, event.process?.pid === event.pid]);
      else if (event.type === 'exited') told.push([event.type, event.exitCode, event.willRestart]);
      else told.push([event.type, event.error.name]);
    }
    expect(told).toEqual([
      ['started', 0, true],
      ['exited', 1, true],
      ['started', 1, true],
      ['exited', 1, false],
      ['gave-up', 'SupervisorError'],
    ]);
  });

  test('wakes a reader that waits, and another, in order', async () => {
    await using watched = new Watched([]);
    const events = watched.supervisor.events();
    const [one, two, three] = [events.next(), events.next(), events.next()];
    expect(await isPending(one)).toBe(true);
    await watched.supervisor.startChild(watched.spec({ id: 'a' }));
    await watched.supervisor.startChild(watched.spec({ id: 'b' }));
    expect(await one).toMatchObject({ done: false, value: { type: 'started', id: 'a' } });
    expect(await two).toMatchObject({ done: false, value: { type: 'started', id: 'b' } });
    await watched.supervisor.stop();
    expect(await three).toMatchObject({ value: { type: 'exited', id: 'b' } });
  });

  test('of one that has finished are over', async () => {
    const watched = new Watched([{ id: 'a' }]);
    await watched[Symbol.asyncDispose]();
    expect(await watched.supervisor.events().next()).toEqual({ done: true, value: undefined });
  });

  test('are kept no more for one who has left the loop', async () => {
    await using watched = new Watched([]);
    const events = watched.supervisor.events();
    await watched.supervisor.startChild(watched.spec({ id: 'a' }));
    await watched.supervisor.terminateChild('a');
    for await (const event of events) {
      expect(event.type).toBe('started');
      break;
    }
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  test('end with AbortError at an abort, and leave no listener', async () => {
    await using watched = new Watched([{ id: 'a' }]);
    const controller = new AbortController();
    const events = watched.supervisor.events({ signal: controller.signal });
    await events.next();
    const waiting = events.next();
    controller.abort('enough');
    expect(await errorOf(waiting)).toMatchObject({ code: 'ABORT_ERR', cause: 'enough' });
    expect(await events.next()).toEqual({ done: true, value: undefined });
    const late = watched.supervisor.events({ signal: controller.signal });
    expect(await errorOf(late.next())).toMatchObject({ code: 'ABORT_ERR' });
  });

  test('give none after the abort that came before it', async () => {
    await using watched = new Watched([{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
    const controller = new AbortController();
    const taken: string[] = [];
    const take = async () => {
      for await (const { id } of watched.supervisor.events({ signal: controller.signal })) {
        taken.push(id);
        await watched.started;
        controller.abort();
      }
    };
    expect(await errorOf(take())).toMatchObject({ code: 'ABORT_ERR' });
    expect(taken).toEqual(['a']);
  });

  test('end by throw() and by disposal, too', async () => {
    await using watched = new Watched([]);
    const [one, other] = [watched.supervisor.events(), watched.supervisor.events()];
    expect(await errorOf(one.throw(new RangeError('mine')))).toBeInstanceOf(RangeError);
    await other[Symbol.asyncDispose]();
    for (const events of [one, other]) expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  test('that are not taken are kept up to a limit; then the reader gets an error', async () => {
    await using watched = new Watched([]);
    const { supervisor } = watched;
    const events = supervisor.events();
    for (let i = 0; i <= 10_000; i++) void supervisor.startChild(watched.spec({ id: 'a', how: throwing }));
    await errorOf(supervisor.deleteChild('nobody'));
    let count = 0;
    const all = async () => {
      for await (const _ of events) count++;
    };
    const error = await errorOf(all());
    expect(error).toBeInstanceOf(QueueFullError);
    expect(error.message).toBe(
      'the events of a supervisor: 10000 are not read yet; read them faster, or leave the loop',
    );
    expect(count).toBe(10_000);
  });
});

test('events of nested supervisors carry their path', async () => {
  await using watched = new Watched([
    { id: 'x', type: 'supervisor', children: [{ id: 'y', type: 'supervisor', children: [{ id: 'z' }] }] },
  ]);
  await watched.started;
  expect(watched.events.map(({ id, path }) => [id, path])).toEqual([
    ['z', ['x', 'y', 'z']],
    ['y', ['x', 'y']],
    ['x', ['x']],
  ]);
  for (const event of watched.events) expect(Math.abs(event.time - Date.now())).toBeLessThan(60_000);
});

describe('what a listener throws', () => {
  test('is an uncaught exception, and the supervisor goes on if the program handles it', async () => {
    expect(await runFixture('has-a-listener-that-throws', { args: ['handled'] })).toMatchObject({
      code: 0,
      stdout: 'started a\nuncaught of a listener\nexited a exit\nstopped\n',
      stderr: '',
    });
  });

  test('ends the program if it does not', async () => {
    const result = await runFixture('has-a-listener-that-throws');
    expect(result).toMatchObject({ code: 1, stdout: 'started a\n' });
    expect(result.stderr).toContain('of a listener');
  });
});

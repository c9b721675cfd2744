import { channel, type Channel } from '@aiopipe/codec';
import { TimeoutError } from '@aiopipe/core';
import { Supervisor } from '@aiopipe/process';
import { fdsSince, isPending, leakCheck, openFds, turns, until } from '@aiopipe/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { leaves, needs, obey, obeyDeaf, type Answer, type Order, type Report } from '../fixtures/connects-siblings.js';
import { errorOf } from '../helpers.js';
import { client, lenient, Ordered, pidOf, started, store, timesOut } from './ordered.js';

afterAll(leakCheck());

describe('two children of a supervisor', () => {
  test('talk over a channel that the supervisor has no end of', async () => {
    await using supervisor = await started(new Supervisor([store, client], lenient));
    using orders = await Ordered.at(supervisor, 'client');
    const before = openFds();
    expect(await orders.connect('store')).toEqual({
      pid: pidOf(supervisor, 'store'),
      from: 'client',
      question: 'connect',
    });
    expect(await orders.carryOut({ do: 'ask' })).toMatchObject({ question: 'ask' });
    expect(fdsSince(before)).toEqual([]);
  });

  test('see the end of the channel when one of them dies, and the next connect waits for its restart', async () => {
    await using supervisor = await started(new Supervisor([store, client], { ...lenient, backoff: { initial: 100 } }));
    using orders = await Ordered.at(supervisor, 'client');
    const pids: number[] = [];
    for (let i = 0; i < 5; i++) {
      const { pid } = (await orders.connect('store')) as Answer;
      expect(pid).toBe(pidOf(supervisor, 'store'));
      expect(pids).not.toContain(pid);
      pids.push(pid);
      await orders.send({ do: 'wait for the end' });
      process.kill(pid, 'SIGKILL');
      expect(await orders.report()).toMatchObject({ code: 'ERR_AIOPIPE_END_OF_STREAM' });
      // The next connect may come before the supervisor knows of the death.
    }
  });

  test('connect to each other, and each one to itself', async () => {
    const spec = { target: obey, ready: {} } as const;
    await using supervisor = await started(
      new Supervisor([
        { id: 'a', ...spec },
        { id: 'b', ...spec },
      ]),
    );
    using a = await Ordered.at(supervisor, 'a');
    using b = await Ordered.at(supervisor, 'b');
    expect(await Promise.all([a.connect('b'), b.connect('a')])).toMatchObject([
      { pid: pidOf(supervisor, 'b'), from: 'a' },
      { pid: pidOf(supervisor, 'a'), from: 'b' },
    ]);
    expect(await a.connect('a')).toMatchObject({ pid: pidOf(supervisor, 'a'), from: 'a' });
  });

  test('need not be started in the order of their connects, unless one of them has to be ready first', async () => {
    const late = { id: 'late', target: needs, args: ['store', {}] as [string, object] } as const;
    await using supervisor = await started(new Supervisor([late, store]));
    await until('it is connected', () => supervisor.whichChildren().every(({ state }) => state === 'running'));
    using answers = await supervisor.connect<string, Answer>('store');
    await answers.put('a question');
    expect(await answers.get()).toEqual({ pid: pidOf(supervisor, 'store'), from: undefined, question: 'a question' });

    await timesOut('sibling "store" was not started', async (timeout) => {
      const inVain = new Supervisor([{ ...late, args: ['store', { timeout }], ready: {} }, store]);
      const error = await errorOf(inVain.start());
      expect(error).toMatchObject({ code: 'ERR_AIOPIPE_START' });
      return error.message;
    });
  });
});

test('the program that has the supervisor connects to a child by its name, also before it has started it', async () => {
  await using supervisor = new Supervisor([store]);
  const early = supervisor.connect<string, Answer>('store');
  await turns(3);
  expect(await isPending(early)).toBe(true);
  await supervisor.start();
  using answers = await early;
  await answers.put('a question');
  expect(await answers.get()).toEqual({ pid: pidOf(supervisor, 'store'), from: undefined, question: 'a question' });
});

describe('partitions', () => {
  const cache = { id: 'cache', type: 'partitioned', partitions: 3, target: obey, ready: {} } as const;

  test('are connected to by key, from outside and among each other', async () => {
    await using supervisor = await started(new Supervisor([cache, client]));
    using orders = await Ordered.at(supervisor, 'client');
    for (const key of ['a', 'b', 'c', 'd', 0, 1, 2, -5]) {
      const { pid } = supervisor.which('cache', key);
      expect(await orders.connect('cache', { key })).toMatchObject({ pid, from: 'client' });
    }
    using partition = await Ordered.at(supervisor, 'cache', 1);
    expect(await partition.connect('cache', { key: 2 })).toMatchObject({
      pid: supervisor.which('cache', 2).pid,
      from: 'cache/1',
    });
    expect(await partition.connect('cache', { key: 1 })).toMatchObject({ pid: supervisor.which('cache', 1).pid });
    expect(await partition.connect('client')).toMatchObject({ pid: pidOf(supervisor, 'client'), from: 'cache/1' });
  });

  test('wait for the restart of the one that has the key, and for that of all', async () => {
    await using supervisor = await started(new Supervisor([{ ...cache, intensity: 1 }, client], lenient));
    using orders = await Ordered.at(supervisor, 'client');
    const pid = () => supervisor.which('cache', 1).pid as number;
    const pids: number[] = [];
    // After the second death the supervisor of the partitions gives up, and is restarted with all of them.
    for (let i = 0; i < 3; i++) {
      const { pid: answering } = (await orders.connect('cache', { key: 1 })) as Answer;
      expect(pids).not.toContain(answering);
      expect(answering).toBe(pid());
      pids.push(answering);
      await orders.send({ do: 'wait for the end' });
      process.kill(answering, 'SIGKILL');
      expect(await orders.report()).toMatchObject({ code: 'ERR_AIOPIPE_END_OF_STREAM' });
    }
  });

  test('are connected to by their supervisor, too', async () => {
    await using supervisor = await started(new Supervisor([cache]));
    const nested = supervisor.whichChildren()[0]?.supervisor;
    using orders = (await nested?.connect<Order, Report>('2')) as Channel<Order, Report>;
    await orders.put({ do: 'connect', to: 'cache', options: { key: 0 } });
    expect(await orders.get()).toMatchObject({ from: 'cache/2' });
    expect(await errorOf(nested?.connect('3') as Promise<unknown>)).toMatchObject({ code: 'ERR_AIOPIPE_CHILD_ID' });
  });
});

test.each(['abort', 'return'])('a loop over connections() that is left (%s) gets no connection', async (how) => {
  const [theirs, go] = channel<void>({ duplex: true });
  await using supervisor = await started(
    new Supervisor([{ id: 'leaves', target: leaves, args: [how, theirs], ready: {} }]),
  );
  using _ = go;
  await go.put();
  await go.get();
  // The child has asked for it, and declines it: the call waits for the next loop.
  const waiting = supervisor.connect<string>('leaves');
  await go.put();
  using answers = await waiting;
  await answers.put('how did it go?');
  expect(await answers.get()).toBe(how === 'abort' ? 'AbortError' : 'done: true');
});

test('a child that never takes connections is connected to by none, whatever it says itself', async () => {
  const [here, there] = channel<Order, Report>({ duplex: true });
  using _ = here;
  await using supervisor = await started(
    new Supervisor([store, { id: 'deaf', target: obeyDeaf, args: [there], restart: 'temporary' }]),
  );
  await here.put({ do: 'connect', to: 'store' });
  expect(await here.get()).toMatchObject({ from: 'deaf' });
  expect(await errorOf(supervisor.connect('deaf', { timeout: 20 }))).toBeInstanceOf(TimeoutError);
});

/** The supervisor may not know of a death yet. */
function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    expect(error).toMatchObject({ code: 'ESRCH' });
  }
}

test('whatever dies and when, each connect settles, and a channel leads to the child that has the name', async () => {
  const names = ['one', 'two', 'three'];
  const specs = names.map((id) => ({ id, target: obey, ready: {} }) as const);
  await using supervisor = await started(new Supervisor(specs, lenient));
  const any = (count: number) => Math.floor(Math.random() * count);
  const mayFail = ['ERR_AIOPIPE_END_OF_STREAM', 'EPIPE', 'ECONNRESET', 'ERR_AIOPIPE_INCOMPLETE_READ'];
  const outcomes = await Promise.all(
    names.map(async (name) => {
      let connected = 0;
      for (let i = 0; i < 10; i++) {
        try {
          using orders = await Ordered.at(supervisor, name);
          const to = names[any(3)] as string;
          const pid = pidOf(supervisor, name);
          const report = orders.connect(to);
          if (any(3) === 0) killIfAlive(pidOf(supervisor, names[any(3)] as string) || pid);
          const answer = await report;
          if ('failed' in answer) expect(mayFail).toContain(answer.code);
          else expect(answer).toMatchObject({ from: name });
          connected++;
        } catch (error) {
          expect(mayFail).toContain((error as { code: unknown }).code);
        }
      }
      return connected;
    }),
  );
  expect(outcomes.reduce((sum, each) => sum + each)).toBeGreaterThan(0);
});

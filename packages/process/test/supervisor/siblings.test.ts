import { channel, type Channel, type ChannelWriter } from '@aiopipe/codec';
import { ClosedError, TimeoutError } from '@aiopipe/core';
import { connections, connectSibling, startProcess, Supervisor, SupervisorError } from '@aiopipe/process';
import { fdsSince, isPending, leakCheck, openFds, turns, until } from '@aiopipe/testing';
import { afterAll, describe, expect, test } from 'vitest';
import {
  acceptsLate,
  asksTooMuch,
  hasNone,
  leaves,
  needs,
  obey,
  obeyDeaf,
  serve,
  serveStubbornly,
  type Answer,
  type Order,
  type Report,
} from '../fixtures/connects-siblings.js';
import { idle } from '../fixtures/lives-somehow.js';
import { errorOf, thrownBy } from '../helpers.js';

afterAll(leakCheck());

/** A supervisor that never gives up. */
const lenient = { intensity: Infinity } as const;

const store = { id: 'store', target: serve, ready: {} } as const;
const client = { id: 'client', target: obey, ready: {} } as const;

/** Has a child carry out orders. */
class Ordered implements Disposable {
  readonly #orders: Channel<Order, Report>;

  private constructor(orders: Channel<Order, Report>) {
    this.#orders = orders;
  }

  static async at(supervisor: Supervisor, id: string, key?: number): Promise<Ordered> {
    return new Ordered(await supervisor.connect<Order, Report>(id, { key }));
  }

  async send(order: Order): Promise<void> {
    await this.#orders.put(order);
  }

  async report(): Promise<Report> {
    return this.#orders.get();
  }

  async carryOut(order: Order): Promise<Report> {
    await this.send(order);
    return this.report();
  }

  async connect(to: string, options?: Extract<Order, { do: 'connect' }>['options']): Promise<Report> {
    return this.carryOut({ do: 'connect', to, ...(options && { options }) });
  }

  [Symbol.dispose](): void {
    this.#orders[Symbol.dispose]();
  }
}

const pidOf = (supervisor: Supervisor, id: string) =>
  supervisor.whichChildren().find((child) => child.id === id)?.pid as number;

const started = async <S extends Supervisor>(supervisor: S): Promise<S> => {
  await supervisor.start();
  return supervisor;
};

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

    const inVain = new Supervisor([{ ...late, args: ['store', { timeout: 50 }], ready: {} }, store]);
    expect(await errorOf(inVain.start())).toMatchObject({
      code: 'ERR_AIOPIPE_START',
      message: expect.stringContaining('sibling "store" was not started within 50 ms') as string,
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

describe('a connect is refused at once', () => {
  test('if its name, or its key, names no child', async () => {
    const nested = { id: 'shop', type: 'supervisor', children: [{ id: 'web', target: serve }] } as const;
    const parts = { id: 'parts', type: 'partitioned', partitions: 2, target: idle } as const;
    await using supervisor = await started(new Supervisor([store, client, nested, parts]));
    using orders = await Ordered.at(supervisor, 'client');
    const refusals: [string, { key?: string }, RegExp][] = [
      ['stoer', {}, /no child "stoer" \(its children: store, client, shop, parts\); did you mean "store"\?$/],
      ['x'.repeat(1e6), {}, /^the supervisor has no child ".{1,200}\)$/],
      ['web', {}, /no child "web"/],
      ['shop', {}, /child "shop" is a supervisor/],
      ['parts', {}, /child "parts" has 2 partitions: say which by `key`/],
      ['store', { key: 'a' }, /child "store" has no partitions/],
    ];
    for (const [to, options, message] of refusals) {
      const code = 'ERR_AIOPIPE_CHILD_ID';
      expect(await orders.connect(to, options)).toEqual({
        failed: 'SupervisorError',
        code,
        message: expect.stringMatching(message) as string,
      });
      const error = await errorOf(supervisor.connect(to, options));
      expect(error).toBeInstanceOf(SupervisorError);
      expect(error).toMatchObject({ code, message: expect.stringMatching(message) as string });
      expect(error.stack).toContain('siblings.test');
    }
  });

  test('if its arguments are wrong', async () => {
    const wrong: [unknown, unknown][] = [
      [5, {}],
      ['', {}],
      ['store', { timout: 1 }],
      ['store', { timeout: -1 }],
      ['store', { key: 1.5 }],
      ['store', { key: {} }],
    ];
    await using supervisor = new Supervisor([store]);
    for (const [to, options] of wrong) {
      for (const connect of [connectSibling, supervisor.connect.bind(supervisor)])
        expect(await errorOf(connect(to as string, options as object))).toBeInstanceOf(TypeError);
    }
    expect(thrownBy(() => connections({ timeout: 1 } as object))).toBeInstanceOf(TypeError);
  });

  test('outside of a child, and in a child that has no supervisor', async () => {
    expect(await errorOf(connectSibling('store'))).toMatchObject({ code: 'ERR_AIOPIPE_NO_CHILD' });
    expect(thrownBy(() => connections())).toMatchObject({ code: 'ERR_AIOPIPE_NO_CHILD' });
    const none = 'ERR_AIOPIPE_NO_SUPERVISOR';
    expect(await startProcess(hasNone).result).toEqual([none, none]);
  });

  test('if the child was stopped for good, also while the connect waits', async () => {
    const deaf = { id: 'deaf', target: idle } as const;
    await using supervisor = await started(new Supervisor([deaf, client]));
    using orders = await Ordered.at(supervisor, 'client');
    const waiting = supervisor.connect('deaf');
    await orders.send({ do: 'connect', to: 'deaf' });
    const message = 'child "deaf" has ended, and is not restarted';
    await supervisor.terminateChild('deaf');
    expect(await errorOf(waiting)).toMatchObject({ code: 'ERR_AIOPIPE_CLOSED', message });
    expect(await orders.report()).toEqual({ failed: 'ClosedError', code: 'ERR_AIOPIPE_CLOSED', message });
    expect(await orders.connect('deaf')).toMatchObject({ code: 'ERR_AIOPIPE_CLOSED', message });
    await supervisor.deleteChild('deaf');
    expect(await orders.connect('deaf')).toMatchObject({ code: 'ERR_AIOPIPE_CHILD_ID' });
    await supervisor.startChild({ ...store, id: 'deaf' });
    expect(await orders.connect('deaf')).toMatchObject({ pid: pidOf(supervisor, 'deaf') });
  });

  test('if the supervisor stops', async () => {
    const supervisor = await started(new Supervisor([{ id: 'deaf', target: idle }]));
    const waiting = supervisor.connect('deaf');
    const stopped = supervisor.stop();
    expect(await errorOf(waiting)).toBeInstanceOf(ClosedError);
    await stopped;
    expect(await errorOf(supervisor.connect('deaf'))).toBeInstanceOf(ClosedError);
  });
});

describe('a connect that waits', () => {
  test('times out, and says what the sibling did not do', async () => {
    const deaf = { id: 'deaf', target: idle } as const;
    await using supervisor = await started(
      new Supervisor([deaf, client, { id: 'obeys', target: obey, ready: {} }], {
        ...lenient,
        backoff: { initial: 1e6 },
      }),
    );
    using orders = await Ordered.at(supervisor, 'client');
    const timeout = 30;
    expect(await orders.connect('deaf', { timeout })).toMatchObject({
      failed: 'TimeoutError',
      message: 'sibling "deaf" did not call connections() within 30 ms',
    });
    expect(await errorOf(supervisor.connect('deaf', { timeout }))).toMatchObject({
      code: 'ERR_AIOPIPE_TIMEOUT',
      message: 'child "deaf" did not call connections() within 30 ms',
    });
    const exited = new Promise((resolve) => supervisor.once('exited', resolve));
    const waiting = supervisor.connect('deaf', { timeout: 200 });
    process.kill(pidOf(supervisor, 'deaf'), 'SIGKILL');
    await exited;
    expect((await errorOf(waiting)).message).toBe('child "deaf" was not restarted within 200 ms');
    expect((await orders.connect('deaf', { timeout })) as unknown).toMatchObject({
      message: 'sibling "deaf" was not restarted within 30 ms',
    });
  });

  test('can be aborted or time out, and leaves nothing behind: the sibling gets no connection of it', async () => {
    const [theirs, go] = channel<void>();
    using _ = go;
    await using supervisor = await started(
      new Supervisor([client, { id: 'late', target: acceptsLate, args: [theirs], ready: {} }]),
    );
    using orders = await Ordered.at(supervisor, 'client');
    const controller = new AbortController();
    const { signal } = controller;
    const aborted = supervisor.connect('late', { signal });
    controller.abort();
    expect(await errorOf(aborted)).toMatchObject({ code: 'ABORT_ERR' });
    expect(await errorOf(supervisor.connect('late', { signal }))).toMatchObject({ code: 'ABORT_ERR' });
    expect(await orders.connect('late', { timeout: 0 })).toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
    const third = supervisor.connect<never, number>('late');
    await go.put();
    using counts = await third;
    expect(await counts.get()).toBe(1);
  });

  test('is one of a hundred at most', async () => {
    const [read, write] = channel<string>();
    using _ = read;
    await using supervisor = await started(
      new Supervisor([
        { id: 'deaf', target: idle },
        { id: 'many', target: asksTooMuch, args: [write] },
      ]),
    );
    expect(await read.get()).toBe('QueueFullError 100 calls of connectSibling() wait');
    expect(supervisor.countChildren().active).toBe(2);
  });

  test('waits for the next process if the sibling is about to end', async () => {
    const pairs = [channel<number>(), channel<number>()];
    const [[told], [ofNext]] = pairs as [(typeof pairs)[0], (typeof pairs)[0]];
    using _ = told;
    using __ = ofNext;
    const stubborn = {
      id: 'stubborn',
      target: serveStubbornly,
      args: () => [pairs.shift()?.[1]] as [ChannelWriter<number>],
      ready: {},
      shutdown: 1e6,
    } as const;
    await using supervisor = await started(new Supervisor([stubborn, client]));
    using orders = await Ordered.at(supervisor, 'client');
    const first = pidOf(supervisor, 'stubborn');
    expect(await orders.connect('stubborn')).toMatchObject({ pid: first });
    const ended = supervisor.terminateChild('stubborn');
    expect(await told.get()).toBe(first);
    // It still answers those that it has, and gets no more.
    expect(await orders.carryOut({ do: 'ask' })).toMatchObject({ pid: first });
    await orders.send({ do: 'connect', to: 'stubborn' });
    process.kill(first, 'SIGUSR2');
    await ended;
    expect(await orders.report()).toMatchObject({ code: 'ERR_AIOPIPE_CLOSED' });
    await supervisor.restartChild('stubborn');
    expect(await orders.connect('stubborn')).toMatchObject({ pid: pidOf(supervisor, 'stubborn') });
    process.kill(pidOf(supervisor, 'stubborn'), 'SIGUSR2');
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

test('whatever dies and when, each connect settles, and a channel leads to the child that has the name', async () => {
  const names = ['one', 'two', 'three'];
  const specs = names.map((id) => ({ id, target: obey, ready: {} }) as const);
  await using supervisor = await started(new Supervisor(specs, lenient));
  const any = (count: number) => Math.floor(Math.random() * count);
  const mayFail = ['ERR_AIOPIPE_END_OF_STREAM', 'EPIPE', 'ECONNRESET', 'ERR_AIOPIPE_INCOMPLETE_READ'];
  const outcomes = await Promise.all(
    names.map(async (name) => {
      let connected = 0;
      for (let i = 0; i < 15; i++) {
        try {
          using orders = await Ordered.at(supervisor, name);
          const to = names[any(3)] as string;
          const pid = pidOf(supervisor, name);
          const report = orders.connect(to);
          if (any(3) === 0) process.kill(pidOf(supervisor, names[any(3)] as string) || pid, 'SIGKILL');
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

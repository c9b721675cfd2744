import { channel, type ChannelWriter } from '@aiopipe/codec';
import { ClosedError } from '@aiopipe/core';
import { connections, connectSibling, startProcess, Supervisor, SupervisorError } from '@aiopipe/process';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { acceptsLate, asksTooMuch, hasNone, obey, serve, serveStubbornly } from '../fixtures/connects-siblings.js';
import { idle } from '../fixtures/lives-somehow.js';
import { errorOf, thrownBy } from '../helpers.js';
import { client, lenient, Ordered, pidOf, started, store, timesOut } from './ordered.js';

afterAll(leakCheck());

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
      expect(error.stack).toContain('connects.test');
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
    const byChild = async (timeout: number) => {
      const report = (await orders.connect('deaf', { timeout })) as { message: string };
      expect(report).toMatchObject({ failed: 'TimeoutError' });
      return report.message;
    };
    await timesOut('sibling "deaf" did not call connections()', byChild);
    await timesOut('child "deaf" did not call connections()', async (timeout) => {
      const error = await errorOf(supervisor.connect('deaf', { timeout }));
      expect(error).toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
      return error.message;
    });
    const exited = new Promise((resolve) => supervisor.once('exited', resolve));
    const waiting = supervisor.connect('deaf', { timeout: 2000 });
    process.kill(pidOf(supervisor, 'deaf'), 'SIGKILL');
    await exited;
    expect((await errorOf(waiting)).message).toBe('child "deaf" was not restarted within 2000 ms');
    await timesOut('sibling "deaf" was not restarted', byChild);
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
    expect(await read.get()).toBe(
      'QueueFullError connectSibling(): 100 calls wait already; await one of them before the next',
    );
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

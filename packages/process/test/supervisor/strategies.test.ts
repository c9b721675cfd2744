import { afterAll, describe, expect, test } from 'vitest';
import { channel, type Channel, type ChannelReader, type ChannelWriter } from '@aiopipe/codec';
import { Supervisor, type ChildSpec, type Strategy } from '@aiopipe/process';
import { leakCheck, until } from '@aiopipe/testing';
import { consume, mingle, produce, serve } from '../fixtures/lives-somehow.js';
import { shapeOf, Watched } from '../watched.js';

afterAll(leakCheck());

const IDS = ['a', 'b', 'c', 'd'];

/** The children that are shut down with a child, from left to right. */
const siblings: Record<Strategy, (id: string) => string[]> = {
  one_for_one: () => [],
  one_for_all: (id) => IDS.filter((other) => other !== id),
  rest_for_one: (id) => IDS.slice(IDS.indexOf(id) + 1),
};

describe.each(['one_for_one', 'one_for_all', 'rest_for_one'] as const)('%s', (strategy) => {
  test.each(IDS)('restarts the right children when %s is killed, and no others', async (id) => {
    await using watched = new Watched(
      IDS.map((each) => ({ id: each })),
      { strategy },
    );
    const pids: Record<string, number> = {};
    for (const each of IDS) pids[each] = await watched.runs(each);
    watched.events.length = 0;
    process.kill(pids[id] as number, 'SIGKILL');

    const others = siblings[strategy](id);
    const restarted = IDS.filter((each) => each === id || others.includes(each));
    await until('all were started again', () => watched.starts.length === restarted.length);
    expect(watched.told).toEqual([
      `exited ${id}`,
      ...others.reverse().map((other) => `exited ${other}`),
      ...restarted.map((each) => `started ${each}`),
    ]);
    const [first, ...shutDown] = watched.exits;
    expect(first).toMatchObject({
      pid: pids[id],
      reason: 'exit',
      signalCode: 'SIGKILL',
      willRestart: true,
      restarts: 0,
    });
    expect(first?.error).toMatchObject({ code: 'ERR_AIOPIPE_NO_RESULT' });
    for (const exit of shutDown)
      expect(exit).toMatchObject({ reason: 'shutdown', signalCode: 'SIGTERM', willRestart: true, error: undefined });
    for (const each of restarted) expect(await watched.runs(each)).not.toBe(pids[each]);
    for (const { id: each, pid } of watched.running) expect(pid === pids[each]).toBe(!restarted.includes(each));
  });
});

describe('a restart of several', () => {
  test('forgets a temporary one, and starts one again that had returned, as in OTP', async () => {
    const specs = [
      { id: 'returned', how: 'return', restart: 'transient' as const },
      { id: 'temporary', restart: 'temporary' as const },
      { id: 'c' },
    ];
    await using watched = new Watched(specs, { strategy: 'one_for_all' });
    const [, c] = [await watched.runs('temporary'), await watched.runs('c')];
    await until('it returned', () => watched.exits.length === 1);
    process.kill(c, 'SIGKILL');
    await until('all were started', () => watched.starts.length === 5);
    expect(watched.told.slice(4)).toEqual(['exited c', 'exited temporary', 'started returned', 'started c']);
    expect(watched.exits.map(({ id, willRestart }) => [id, willRestart])).toEqual([
      ['returned', false],
      ['c', true],
      ['temporary', false],
    ]);
    expect(watched.supervisor.whichChildren().map(({ id }) => id)).toEqual(['returned', 'c']);
  });

  test.each([
    ['one_for_all', ['exited a', 'started a', 'start-failed b', 'exited a', 'started a', 'started b', 'started c']],
    ['rest_for_one', ['start-failed b', 'started b', 'started c']],
  ] as const)('%s tries again where one of them cannot be started', async (strategy, expected) => {
    let starts = 0;
    const how = () => {
      if (++starts === 2) throw new Error('not this time');
      return 'wait';
    };
    await using watched = new Watched([{ id: 'a' }, { id: 'b', how }, { id: 'c' }], { strategy, intensity: 2 });
    for (const id of ['a', 'c']) await watched.runs(id);
    process.kill(await watched.runs('b'), 'SIGKILL');
    await until('it was started again', () => watched.told.lastIndexOf('started c') > 3);
    expect(watched.told.slice(3)).toEqual(['exited b', 'exited c', ...expected]);
    expect(watched.events.find(({ type }) => type === 'start-failed')).toMatchObject({
      id: 'b',
      pid: undefined,
      willRestart: true,
      error: { message: 'not this time' },
    });
  });

  test('that waits widens if a child further left ends', async () => {
    await using watched = new Watched([{ id: 'a' }, { id: 'b' }, { id: 'c' }], {
      strategy: 'rest_for_one',
      intensity: 2,
      backoff: { initial: 300, jitter: 0 },
    });
    const [a, b] = [await watched.runs('a'), await watched.runs('b'), await watched.runs('c')];
    process.kill(b, 'SIGKILL');
    await until('the rest is down', () => watched.exits.length === 2);
    process.kill(a, 'SIGKILL');
    await until('all were started again', () => watched.starts.length === 6);
    expect(watched.told.slice(3)).toEqual(['exited b', 'exited c', 'exited a', 'started a', 'started b', 'started c']);
  });

  test('goes on without the child that it waits for when that is terminated', async () => {
    await using watched = new Watched([{ id: 'a' }, { id: 'b' }, { id: 'c' }], {
      strategy: 'one_for_all',
      backoff: { initial: 1e6, max: 1e6 },
    });
    const [, b] = [await watched.runs('a'), await watched.runs('b'), await watched.runs('c')];
    process.kill(b, 'SIGKILL');
    await until('all are down', () => watched.exits.length === 3);
    await watched.supervisor.terminateChild('b');
    await until('the others were started again', () => watched.starts.length === 5);
    expect(shapeOf(watched.supervisor)).toMatchObject({ a: expect.any(Number), b: 'stopped', c: expect.any(Number) });
  });
});

describe('siblings that are joined by a channel', () => {
  type Pair = [number, number];

  /** Who met whom, told by channels of which each start gets its own. */
  class Met {
    readonly pairs: Pair[] = [];

    writer(): ChannelWriter<Pair> {
      const [reader, writer] = channel<Pair>();
      void this.follow(reader);
      return writer;
    }

    async follow(reader: AsyncIterable<Pair> & Disposable): Promise<void> {
      for await (const pair of reader) this.pairs.push(pair);
      reader[Symbol.dispose]();
    }
  }

  const pidsOf = (supervisor: Supervisor) => supervisor.whichChildren().map(({ pid }) => pid as number);

  test.each([
    ['one_for_all', 'producer'],
    ['one_for_all', 'consumer'],
    ['rest_for_one', 'producer'],
  ] as const)('get a new one, which their args functions share (%s, the %s ends)', async (strategy, who) => {
    const met = new Met();
    let link: ChannelReader<number>;
    const producer: ChildSpec<[ChannelWriter<number>]> = {
      id: 'producer',
      target: produce,
      args: () => {
        const [reader, writer] = channel<number>();
        link = reader;
        return [writer];
      },
    };
    const consumer: ChildSpec<[ChannelReader<number>, ChannelWriter<Pair>]> = {
      id: 'consumer',
      target: consume,
      args: () => [link, met.writer()],
    };
    await using supervisor = new Supervisor([producer, consumer], { strategy });
    await supervisor.start();
    const before = pidsOf(supervisor);
    await until('they have met', () => met.pairs.length === 1);
    process.kill(before[who === 'producer' ? 0 : 1] as number, 'SIGKILL');
    await until('they have met again', () => met.pairs.length === 2);
    expect(met.pairs).toEqual([before, pidsOf(supervisor)]);
    expect(new Set(met.pairs.flat()).size).toBe(4);
  });

  test.each(['server', 'client'])('get a new one, handed to the one that runs on (the %s ends)', async (who) => {
    const met = new Met();
    let clients: ChannelWriter<ChannelWriter<number>> | undefined;
    const server: ChildSpec<[ChannelReader<ChannelWriter<number>>]> = {
      id: 'server',
      target: serve,
      args: () => {
        clients?.[Symbol.dispose]();
        const [reader, writer] = channel<ChannelWriter<number>>();
        clients = writer;
        return [reader];
      },
    };
    const client: ChildSpec<[ChannelReader<number>, ChannelWriter<Pair>]> = {
      id: 'client',
      target: consume,
      args: () => {
        const [reader, writer] = channel<number>();
        void clients?.put(writer);
        return [reader, met.writer()];
      },
    };
    await using supervisor = new Supervisor([server, client], { strategy: 'rest_for_one' });
    await supervisor.start();
    const before = pidsOf(supervisor);
    await until('they have met', () => met.pairs.length === 1);
    process.kill(before[who === 'server' ? 0 : 1] as number, 'SIGKILL');
    await until('they have met again', () => met.pairs.length === 2);
    expect(met.pairs).toEqual([before, pidsOf(supervisor)]);
    expect(pidsOf(supervisor)[0] === before[0]).toBe(who === 'client');
    clients?.[Symbol.dispose]();
  });

  test('get one to each new sibling, handed over when a listener hears that it has started', async () => {
    type Link = Channel<number, number>;
    const met = new Met();
    const controls = new Map<string, Channel<Link, Pair>>();
    const specs = ['a', 'b', 'c'].map((id): ChildSpec<[Channel<Pair, Link>]> => ({
      id,
      target: mingle,
      args: () => {
        const [ours, theirs] = channel<Link, Pair>({ duplex: true });
        void met.follow(ours);
        controls.set(id, ours);
        return [theirs];
      },
    }));
    await using supervisor = new Supervisor(specs);
    supervisor.on('exited', ({ id }) => controls.delete(id));
    supervisor.on('started', ({ id }) => {
      for (const [sibling, control] of controls) {
        if (sibling === id) continue;
        const [one, other] = channel<number, number>({ duplex: true });
        void control.put(one);
        void controls.get(id)?.put(other);
      }
    });
    await supervisor.start();
    await until('all have met', () => met.pairs.length === 6);
    const [a, b, c] = pidsOf(supervisor) as [number, number, number];
    const mutual = (...pairs: Pair[]) => pairs.flatMap(([one, other]) => [`${one} ${other}`, `${other} ${one}`]).sort();
    expect(met.pairs.map((pair) => pair.join(' ')).sort()).toEqual(mutual([a, b], [a, c], [b, c]));

    met.pairs.length = 0;
    process.kill(b, 'SIGKILL');
    await until('the new one has met the others', () => met.pairs.length === 4);
    const [, again] = pidsOf(supervisor) as [number, number, number];
    expect(again).not.toBe(b);
    expect(met.pairs.map((pair) => pair.join(' ')).sort()).toEqual(mutual([a, again], [c, again]));
  });
});

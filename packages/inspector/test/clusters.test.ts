// Clusters of many machines, with a real server and real processes.
import { snapshot, type ClusterSnapshot } from '@aiopipe/inspector';
import { serialize } from '@aiopipe/codec';
import { Cluster } from '@aiopipe/nats';
import { Browser, chromium, leakCheck, NatsServer, natsServer } from '@aiopipe/testing';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { messages, messageWith, type Message } from './http.js';
import { Program } from './program.js';

const check = leakCheck();

describe.skipIf(natsServer === undefined)('a cluster', () => {
  let server: NatsServer;
  const programs: Program[] = [];
  beforeAll(async () => {
    server = await new NatsServer().start();
  });
  afterEach(async () => {
    // The callers first: a machine that drains waits for their tasks.
    for (const program of programs.splice(0).toReversed()) expect(await program.end()).toBe(0);
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await check();
  });

  const start = async (role: 'serve' | 'call', name = '') => {
    const program = new Program('cluster-member', { SERVER: server.url, ROLE: role, NAME: name });
    programs.push(program);
    await program.facts();
    return program;
  };
  const clusterOf = ({ snapshot: { clusters } }: Message) => clusters[0] as ClusterSnapshot;
  /** Resolves with the cluster of a program's page, when it is as it must be. */
  const clusterWith = async (program: Program, condition: (cluster: ClusterSnapshot) => boolean) =>
    clusterOf(await messageWith(await program.url(), (message) => condition(clusterOf(message))));

  it('is shown by its caller: what it calls, and all machines that answer', async () => {
    await start('serve', 'm1');
    await start('serve', 'm2');
    const caller = await start('call');
    caller.order('work');
    caller.order('fail');
    caller.order('die');
    caller.order('wait');
    const { name, machines, pools, answering } = await clusterWith(
      caller,
      ({ pools: [pool], answering: { length } }) => length === 2 && pool?.running === 1 && pool.failed === 2,
    );
    expect({ name, machines }).toEqual({ name: 'photos', machines: [] });
    expect(pools).toEqual([
      {
        target: 'resize',
        version: '1',
        outstanding: 1,
        completed: 20,
        failed: 2,
        cancelled: 0,
        retried: 1,
        queued: 0,
        running: 1,
        redelivered: 0,
        machines: 2,
      },
      expect.objectContaining({ target: 'nobody serves it', outstanding: 0, queued: 0, machines: 0 }),
    ]);
    expect(answering.map((machine) => machine.name).sort()).toEqual(['m1', 'm2']);
    expect(answering.map(({ targets }) => targets)).toEqual([['resize'], ['resize']]);
    expect(answering.reduce((sum, { running }) => sum + running, 0)).toBe(1);
    caller.order('work');
    expect((await clusterWith(caller, ({ pools: [pool] }) => pool?.completed === 40)).pools[0]).toMatchObject({
      outstanding: 0,
      cancelled: 1,
    });
  });

  it('is shown by its machine: what became of its tasks, and that it drains', async () => {
    const machine = await start('serve', 'm1');
    const caller = await start('call');
    for (const order of ['work', 'fail', 'die', 'wait']) caller.order(order);
    const { machines, pools } = await clusterWith(
      machine,
      ({ machines: [own] }) => own?.running === 1 && own.failed === 2 && own.completed === 20,
    );
    expect(machines).toEqual([
      {
        name: 'm1',
        targets: ['resize', 'photos/crop'],
        version: '1',
        state: 'serving',
        lease: 2000,
        running: 1,
        completed: 20,
        failed: 2,
        cancelled: 0,
        handedBack: 1,
        redelivered: 1,
        workers: expect.objectContaining({ busy: 1 }) as unknown,
      },
    ]);
    expect(pools).toMatchObject([{ target: 'resize', outstanding: 0 }]);
    machine.order('drain');
    const draining = await clusterWith(machine, ({ machines: [own] }) => own?.state === 'draining');
    expect(draining.machines[0]).toMatchObject({ running: 1 });
    caller.order('stop');
    await clusterWith(machine, (cluster) => cluster.machines.length === 0);
  });

  it('has events: a task that is tried again, and one that is given up', async () => {
    const machine = await start('serve', 'm1');
    const caller = await start('call');
    caller.order('die');
    const told: Message['events'][number][] = [];
    for await (const { events } of messages(await machine.url())) {
      told.push(...events.filter(({ who }) => who === 'the machine m1'));
      if (told.some(({ isFailure }) => isFailure)) break;
    }
    expect(told).toMatchObject([
      { what: 'takes tasks', isFailure: false },
      { what: 'does not serve nobody serves it in version 1, which a caller wants', isFailure: false },
      { what: expect.stringMatching(/^had the task resize, whose worker died: ChildError/), isFailure: false },
      {
        what: expect.stringMatching(/^gave the task resize up: ChildError/),
        next: 'put it into the dead letters',
        isFailure: true,
      },
    ]);
  });

  it('has 500 machines at most, with names that machines can have, if somebody answers for thousands', async () => {
    const caller = await start('call');
    const nc = await connect({ servers: server.url });
    nc.subscribe('aiopipe.photos.machines', {
      callback: (_, message) => {
        for (let number = 0; number < 3000; number++) {
          const workers = { starting: 0, idle: 1, busy: 0 };
          const name = `${String(number)} ${'x'.repeat(number % 2 === 0 ? 150 : 2000)}`;
          message.respond(serialize({ name, workers, running: 0 }));
        }
      },
    });
    const message = await messageWith(
      await caller.url(),
      ({ snapshot: { clusters } }) => clusters[0]?.answering.length === 500,
    );
    await nc.close();
    const { leftOut } = message;
    expect(leftOut).toMatchObject({ machines: 500, clusterPools: 0, targets: 0, clusters: 0 });
    expect(clusterOf(message).answering.filter(({ name }) => name.length > 160)).toEqual([]);
    expect(JSON.stringify(message).length).toBeLessThan(1_000_000);
  });

  it('is in a snapshot, and asks no machine while no page is open', async () => {
    const nc = await connect({ servers: server.url });
    const heard: unknown[] = [];
    nc.subscribe('aiopipe.quiet.machines', { callback: (_, { data }) => void heard.push(data) });
    const cluster = await Cluster.open(nc, { name: 'quiet' });
    cluster.pool('any');
    const [taken] = snapshot().clusters;
    expect(taken).toMatchObject({ name: 'quiet', machines: [], answering: [] });
    expect(taken?.pools).toMatchObject([{ target: 'any', outstanding: 0, queued: undefined, machines: undefined }]);
    await nc.flush();
    // That the target is wanted.
    expect(heard).toHaveLength(1);
    await cluster[Symbol.asyncDispose]();
    expect(snapshot().clusters).toEqual([]);
    await nc.close();
  });

  it.skipIf(chromium === undefined)('fits into 400 and 1400 pixels, light and dark', async () => {
    const machine = await start('serve', 'm1');
    await start('serve', 'm2');
    const caller = await start('call');
    const browser = new Browser();
    try {
      for (const [name, program] of [
        ['cluster-caller', caller],
        ['cluster-machine', machine],
      ] as const) {
        const page = await browser.open(await program.url());
        for (const order of ['work', 'fail', 'die', 'wait']) caller.order(order);
        if (program === caller) await page.shows('#clusters', /All machines that have answered[^]*m1\s*resize/);
        else
          await page.shows(
            '#clusters',
            /The machines of this process[^]*m1\s*resize, photos\/crop in version 1; lease 2 s/,
          );
        await page.shows('#count-clusters', '1');
        const looks = await page.looks(name);
        for (const { what, overflow, wide } of looks)
          expect({ overflow, wide }, what).toEqual({ overflow: 0, wide: 0 });
        expect(page.errors).toEqual([]);
        await page.send('Page.close');
      }
    } finally {
      await browser.close();
    }
  });
});

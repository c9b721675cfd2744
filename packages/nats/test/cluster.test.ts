import { Cluster } from '@aiopipe/nats';
import { errorOf, leakCheck, NatsServer, natsServer } from '@aiopipe/testing';
import { connect } from '@nats-io/transport-node';
import { afterAll, describe, expect, it } from 'vitest';
import { add } from './fixtures/targets.js';
import { freshCluster } from './fresh-cluster.js';

const check = leakCheck();
afterAll(check);

describe.skipIf(natsServer === undefined)('opening a cluster', () => {
  const fresh = freshCluster({ lease: 2000 });

  it('twice with the same settings is one cluster', async () => {
    await using again = await Cluster.open(fresh.nc, { name: fresh.cluster.name, lease: 2000 });
    await again.writer('jobs').put(1);
    expect(await fresh.cluster.reader('jobs').get()).toBe(1);
  });

  it('with other settings is an error that names the option', async () => {
    await expect(Cluster.open(fresh.nc, { name: fresh.cluster.name, queueLimit: 5 })).rejects.toMatchObject({
      code: 'ERR_AIOPIPE_CLUSTER_CONFIG',
      message: expect.stringContaining('queueLimit is 1000000 there, and 5 here;') as string,
    });
  });

  it('refuses wrong options, and names the nearest', async () => {
    const open = (options: object) => errorOf(Cluster.open(fresh.nc, options as { name: string }));
    expect(await open({ name: 'a', replica: 3 })).toMatchObject({
      message: expect.stringContaining('did you mean replicas?') as string,
    });
    expect(await open({})).toBeInstanceOf(TypeError);
    expect(await open({ name: 'a', storage: 'disk' })).toBeInstanceOf(TypeError);
  });

  it('refuses a name that is too long, and says how its bytes are counted', async () => {
    const error = await errorOf(Cluster.open(fresh.nc, { name: 'ü'.repeat(31) }));
    expect(error.message).toBe(
      'name: expected at most 180 bytes, not 186; each character but A-Z, a-z, 0-9, _ and - takes 3 bytes or more',
    );
  });

  it.each<[options: object, message: string]>([
    [{ retries: 1 }, 'retries: no option of serve(); callers pass it to cluster.pool()'],
    [{ queueLimit: 1 }, 'queueLimit: no option of serve(); pass it to Cluster.open()'],
  ])('a machine refuses %o, and says where it belongs', async (options, message) => {
    expect((await errorOf(fresh.cluster.serve({ add }, options as never))).message).toBe(message);
  });

  it.each<[targets: object, message: string]>([
    [{}, 'targets: expected an object of targets by their names, such as { half }, not {}'],
    [
      { add, half: 5 },
      "targets.half: expected a target(), not 5; its module makes one by target(import.meta.url, 'name', async (…) => …)",
    ],
    [{ '': add }, 'targets: expected a name, not an empty string'],
  ])('a machine refuses the targets %o', async (targets, message) => {
    expect((await errorOf(fresh.cluster.serve(targets as never))).message).toBe(message);
  });

  it('other options of readers are named as the user wrote them', async () => {
    await fresh.cluster.reader('jobs', { ordered: true }).ready;
    expect((await errorOf(fresh.cluster.reader('jobs').ready)).message).toBe(
      'the readers of the queue jobs: the server has other options: ordered is true there, and false here; ' +
        'use the same options everywhere, or another name',
    );
    await fresh.cluster.writer('news', { kind: 'topic', maxAge: 1000 }).ready;
    const other = fresh.cluster.writer('news', { kind: 'topic', maxAge: Infinity, queueLimit: 5 });
    expect((await errorOf(other.ready)).message).toMatch(
      /^the topic news: .* queueLimit is none there, and 5 here, maxAge is 1000 there, and none here;/,
    );
    await fresh.cluster.reader('news', { kind: 'topic', durable: 'one', maxAge: 1000 }).ready;
    const first = fresh.cluster.reader('news', { kind: 'topic', durable: 'one', from: 'first' });
    expect((await errorOf(first.ready)).message).toMatch(/: from is 'now' there, and 'first' here;/);
    await using longer = await Cluster.open(fresh.nc, { name: fresh.cluster.name, lease: 5000 });
    expect((await errorOf(longer.reader('jobs', { ordered: true }).ready)).message).toMatch(
      /: lease is 2000 there, and 5000 here;/,
    );
  });

  it('of a server without JetStream says how to start one', async () => {
    await using server = new NatsServer('', false);
    const nc = await connect({ servers: (await server.start()).url });
    expect(await errorOf(Cluster.open(nc, { name: 'plain' }))).toMatchObject({
      code: 'ERR_AIOPIPE_CLUSTER',
      message: expect.stringMatching(/^Cluster\.open: the server has no JetStream .* `nats-server -js`$/) as string,
      cause: { name: 'JetStreamNotEnabled' },
    });
    await nc.close();
  });

  it('takes any lease, age and limit: what the server cannot count is the most that it can, or none', async () => {
    for (const [index, most] of [2 ** 31, Number.MAX_SAFE_INTEGER, Number.MAX_VALUE, Infinity].entries()) {
      const name = `most${String(index)}`;
      await using cluster = await Cluster.open(fresh.nc, { name, storage: 'memory', lease: most, queueLimit: most });
      const options = { kind: 'topic', maxAge: most, queueLimit: most } as const;
      await cluster.writer('news', options).put(most);
      expect(await cluster.reader('news', { ...options, from: 'first' }).get()).toBe(most);
    }
  });
});

import { Cluster } from '@aiopipe/nats';
import { errorOf, leakCheck, natsServer } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
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

  it('with other settings is an error that names the setting', async () => {
    await expect(Cluster.open(fresh.nc, { name: fresh.cluster.name, queueLimit: 5 })).rejects.toMatchObject({
      code: 'ERR_AIOPIPE_CLUSTER_CONFIG',
      message: expect.stringContaining('max_msgs is 1000000, not 5') as string,
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

// A server that starts again without what it had in memory.
import { Cluster } from '@aiopipe/nats';
import { errorOf, leakCheck, NatsServer, natsServer, until } from '@aiopipe/testing';
import { connect } from '@nats-io/transport-node';
import { afterAll, expect, test } from 'vitest';
import { add } from './fixtures/targets.js';

afterAll(leakCheck());

test.skipIf(natsServer === undefined)(
  'a server that loses its memory: tasks that it had reject, and later tasks and messages go on',
  async () => {
    await using server = await new NatsServer().start();
    const nc = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
    {
      await using cluster = await Cluster.open(nc, { name: 'memory', storage: 'memory' });
      await cluster.serve({ add }, { size: 1 });
      const writer = cluster.writer<number>('jobs');
      const topicWriter = cluster.writer<number>('news', { kind: 'topic' });
      const [reader, topicReader] = [cluster.reader<number>('jobs'), cluster.reader<number>('news', { kind: 'topic' })];
      await topicReader.ready;
      for (const number of [1, 2, 3]) {
        await topicWriter.put(number);
        expect(await topicReader.get()).toBe(number);
      }
      await writer.put(1);
      const waiting = cluster.pool('unserved');
      const lost = errorOf(waiting.run());
      await until('it waits', async () => (await waiting.stats()).queued === 1);

      await server.kill();
      await server.start();
      expect(await lost).toMatchObject({ code: 'ERR_AIOPIPE_CLUSTER' });
      expect(await cluster.pool<typeof add>('add').run(1, 2)).toBe(3);
      await Promise.all([writer.put(2), topicWriter.put(4)]);
      expect(await Promise.all([reader.get(), topicReader.get()])).toEqual([2, 4]);
    }
    await nc.close();
  },
);

import { Cluster } from '@aiopipe/nats';
import { errorOf, leakCheck } from '@aiopipe/testing';
import { connect } from '@nats-io/transport-node';
import { afterAll, describe, expect, it } from 'vitest';
import { natsServer, NatsServer } from './server.js';

afterAll(leakCheck());

const USERS = `
authorization {
  users = [
    { user: owner, password: o }
    { user: putter, password: p, permissions: {
      publish: ["$JS.API.INFO", "$JS.API.STREAM.INFO.>", "$JS.API.STREAM.NAMES", "aiopipe.shop.queue.jobs"]
      subscribe: ["_INBOX.>"]
    } }
  ]
}
`;

describe.skipIf(natsServer === undefined)('a server with accounts', () => {
  it('lets a user put who may put, and do nothing else', async () => {
    await using server = await new NatsServer(USERS).start();
    const owner = await connect({ servers: server.url, user: 'owner', pass: 'o' });
    const putter = await connect({ servers: server.url, user: 'putter', pass: 'p' });
    {
      await using own = await Cluster.open(owner, { name: 'shop' });
      const reader = own.reader('jobs');
      await reader.ready;
      await using theirs = await Cluster.open(putter, { name: 'shop' });
      await theirs.writer('jobs').put('order');
      expect(await reader.get()).toBe('order');
      expect(await errorOf(theirs.pool('secret').run())).toMatchObject({ code: 'ERR_AIOPIPE_CLUSTER' });
      expect(await errorOf(theirs.reader('jobs').get())).toMatchObject({ code: 'ERR_AIOPIPE_CLUSTER' });
    }
    await owner.close();
    await putter.close();
  });

  it('refuses a user that it does not know', async () => {
    await using server = await new NatsServer(USERS).start();
    await expect(connect({ servers: server.url, user: 'owner', pass: 'x' })).rejects.toThrow(/Authorization/);
  });
});

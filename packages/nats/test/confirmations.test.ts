// What a caller says to a machine when it has outcomes. The test is the machine.
import { serialize } from '@aiopipe/codec';
import { Cluster } from '@aiopipe/nats';
import { leakCheck, NatsServer, natsServer } from '@aiopipe/testing';
import { connect, createInbox, headers, type Msg, type MsgHdrs } from '@nats-io/transport-node';
import { afterAll, expect, test } from 'vitest';

afterAll(leakCheck());

test.skipIf(natsServer === undefined)(
  'outcomes that come together are confirmed by one message; one that comes again, once more; one of another attempt is not wanted',
  async () => {
    await using server = await new NatsServer().start();
    const nc = await connect({ servers: server.url });
    const machine = await connect({ servers: server.url });
    const cluster = await Cluster.open(nc, { name: 'shop' });
    const inbox = createInbox();
    const confirmations = machine.subscribe(`${inbox}.*`);
    const tasks = machine.subscribe('aiopipe.shop.tasks.>');
    await machine.flush();

    const results = [1, 2, 3].map((number) => cluster.pool('double').run(number));
    const replies: string[] = [];
    for await (const task of tasks) {
      replies.push(task.headers?.get('Aiopipe-Reply') as string);
      if (replies.length === results.length) break;
    }
    const answer = (reply: string | undefined, value: number, token: string, attempt = '1.1') => {
      const fields: MsgHdrs = headers();
      fields.set('Aiopipe-Kind', 'result');
      fields.set('Aiopipe-Attempt', attempt);
      machine.publish(reply as string, serialize(value), { headers: fields, reply: `${inbox}.${token}` });
    };
    // One packet of the connection has all of these.
    for (const [index, reply] of replies.entries()) answer(reply, 2 * (index + 1), `token${String(index)}`);
    expect(await Promise.all(results)).toEqual([2, 4, 6]);
    const heard = confirmations[Symbol.asyncIterator]();
    const next = async () => {
      const { value } = (await heard.next()) as { value: Msg };
      return [value.subject.slice(inbox.length + 1), value.string(), value.headers?.has('Aiopipe-Gone') === true];
    };
    expect(await next()).toEqual(['token0', 'token1 token2', false]);
    answer(replies[0], 7, 'again');
    expect(await next()).toEqual(['again', '', false]);
    answer(replies[0], 7, 'late', '1.2');
    expect(await next()).toEqual(['late', '', true]);
    await cluster[Symbol.asyncDispose]();
    await Promise.all([nc.close(), machine.close()]);
  },
);

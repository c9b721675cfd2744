// Outcomes on their way to their callers.
import { readdirSync, writeFileSync } from 'node:fs';
import { serialize } from '@aiopipe/codec';
import { Cluster } from '@aiopipe/nats';
import { errorOf, leakCheck, natsServer, until } from '@aiopipe/testing';
import { connect, createInbox, headers } from '@nats-io/transport-node';
import { afterAll, describe, expect, it } from 'vitest';
import { add, ends, endsItems, repeat, type longResult } from './fixtures/targets.js';
import { freshCluster } from './fresh-cluster.js';
import { TestMachine } from './machines.js';

const check = leakCheck();
afterAll(check);

/** Milliseconds: longer than a machine waits for a confirmation. */
const STILL = 2600;

describe.skipIf(natsServer === undefined)('outcomes', () => {
  const fresh = freshCluster();
  const subject = () => `aiopipe.${fresh.cluster.name}.tasks.add.1.normal`;

  it('a task that no machine can read takes no worker from others, also if its caller is not heard', async () => {
    const machine = await fresh.cluster.serve({ add }, { size: 1 });
    const send = (id: string, reply: string) => {
      const fields = headers();
      for (const [name, value] of Object.entries({ Id: id, Reply: reply, Retries: '1' })) {
        fields.set(`Aiopipe-${name}`, value);
      }
      fresh.nc.publish(subject(), new Uint8Array([1, 2, 3]), { headers: fields });
    };
    send('unheard', createInbox());
    expect(await fresh.cluster.pool<typeof add>('add').run(1, 2)).toBe(3);
    await machine.close({ timeout: 0 });
  });

  it('a task whose reply is no subject, or too long for the server, is dropped: the connection stays', async () => {
    const machine = await fresh.cluster.serve({ add }, { size: 1 });
    let wasCut = false;
    void (async () => {
      for await (const { type } of fresh.nc.status()) if (type === 'disconnect') wasCut = true;
    })();
    const other = await connect({ servers: fresh.server.url });
    for (const [index, reply] of ['a..b', '.a', 'a.', '$SYS.a', 'a*', 'x'.repeat(5000)].entries()) {
      const fields = headers();
      fields.set('Aiopipe-Id', `stranger${String(index)}`);
      fields.set('Aiopipe-Reply', reply);
      other.publish(subject(), serialize([1, 2]), { headers: fields });
    }
    await other.flush();
    await other.close();
    expect(await fresh.cluster.pool<typeof add>('add').run(1, 2)).toBe(3);
    await until('no task of the stranger is run', () => machine.counts.completed === 1);
    expect(wasCut).toBe(false);
  });

  it('statistics have only what a machine can have said', async () => {
    await fresh.cluster.serve({ add }, { size: 1, name: 'm1' });
    const stranger = await connect({ servers: fresh.server.url });
    const told = (name: string, count: number) =>
      serialize({ name, workers: { starting: count, idle: 0, busy: 0 }, running: 0 });
    stranger.subscribe(`aiopipe.${fresh.cluster.name}.machines`, {
      callback: (_, message) => {
        for (const [name, count] of [
          ['negative', -1],
          ['none', NaN],
          ['x'.repeat(1000), 1],
        ] as const) {
          message.respond(told(name, count));
        }
      },
    });
    await stranger.flush();
    const { machines, workers } = await fresh.cluster.pool<typeof add>('add').stats();
    expect(machines.map(({ name }) => name)).toEqual(['m1']);
    expect(workers.starting + workers.idle).toBe(1);
    await stranger.close();
  });

  it('handles in a result or an item that cannot be sent are closed, and the error names their path', async () => {
    await fresh.cluster.serve({ ends, endsItems }, { size: 1 });
    const descriptors = () => readdirSync('/proc/self/fd').length;
    expect(await errorOf(fresh.cluster.pool<typeof ends>('ends').run())).toMatchObject({ path: 'result.ends[0]' });
    const before = descriptors();
    for (let round = 0; round < 5; round++) await errorOf(fresh.cluster.pool<typeof ends>('ends').run());
    const items = fresh.cluster.pool<typeof endsItems>('endsItems').stream();
    expect((await items.next()).value).toBe('item');
    expect(await errorOf(items.next())).toMatchObject({ path: 'item.ends[0]' });
    expect(descriptors()).toBe(before);
  });

  it('long messages go over clusters and topics of any name; names, keys and ids that fit into no message are TypeErrors', async () => {
    await using odd = await Cluster.open(fresh.nc, { name: 'a/b ☃', storage: 'memory' });
    await odd.serve({ repeat }, { size: 1 });
    const long = new Uint8Array(1_500_000).fill(7);
    expect(Buffer.compare(await odd.pool<typeof repeat>('repeat').run(long), long)).toBe(0);
    const reader = odd.reader<Uint8Array>('über', { kind: 'topic' });
    await reader.ready;
    await odd.writer<Uint8Array>('über', { kind: 'topic' }).put(long);
    expect(Buffer.compare(await reader.get(), long)).toBe(0);
    expect(await errorOf(Cluster.open(fresh.nc, { name: '\uD800' }))).toMatchObject({ name: 'TypeError' });
    expect(() => odd.pool('repeat').with({ key: 'x'.repeat(20_000) })).toThrow(
      'key: expected at most 16384 bytes in a message, not 20006; most characters but letters and digits take 3 bytes or more',
    );
    expect(await errorOf(odd.writer('jobs').put(1, { id: 'x'.repeat(20_000) }))).toMatchObject({ name: 'TypeError' });
  });

  it('a caller that leaves while a machine reads its long arguments takes no worker', async () => {
    const machine = await fresh.cluster.serve({ repeat }, { size: 1 });
    const long = new Uint8Array(1_500_000);
    for (let milliseconds = 0; milliseconds < 100; milliseconds += 10) {
      await errorOf(fresh.cluster.pool<typeof repeat>('repeat').with({ timeout: milliseconds }).run(long));
    }
    await until('no task runs', () => machine.running === 0);
    expect((await fresh.cluster.pool<typeof repeat>('repeat').run(long)).length).toBe(long.length);
  });

  it('a caller that stands still for seconds gets its long results', async () => {
    const machine = new TestMachine({
      SERVER: fresh.server.url,
      CLUSTER: fresh.cluster.name,
      NAME: 'm1',
      LEASE: '30000',
    });
    try {
      await machine.says('serves');
      const pool = fresh.cluster.pool<typeof longResult>('longResult');
      const go = fresh.log('still-go');
      const results = [pool.run(go), pool.run(go)];
      await until('both run', async () => (await pool.stats()).running === 2);
      writeFileSync(go, '');
      // The outcomes come meanwhile.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STILL);
      expect((await Promise.all(results)).map(({ length }) => length)).toEqual([2e6, 2e6]);
    } finally {
      await machine.kill();
    }
  });
});

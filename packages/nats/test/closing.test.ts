// A cluster and its machines while they are closed: no call hangs, and nothing is left.
import { existsSync, writeFileSync } from 'node:fs';
import { Cluster } from '@aiopipe/nats';
import { errorOf, leakCheck, natsServer, until } from '@aiopipe/testing';
import { connect } from '@nats-io/transport-node';
import { afterAll, describe, expect, it } from 'vitest';
import { add, forever, poison, waitFor } from './fixtures/targets.js';
import { freshCluster } from './fresh-cluster.js';

const check = leakCheck();
afterAll(check);

describe.skipIf(natsServer === undefined)('closing', () => {
  const fresh = freshCluster({ lease: 1500 });

  it('calls that are made while the cluster closes reject, at every moment of it', async () => {
    const pool = fresh.cluster.pool('unserved');
    const calls: Promise<unknown>[] = [];
    let isClosed = false;
    const closed = fresh.cluster[Symbol.asyncDispose]().then(() => (isClosed = true));
    while (!isClosed) {
      calls.push(errorOf(pool.run()));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await closed;
    calls.push(errorOf(pool.run()), errorOf(pool.stream().next()), errorOf(pool.map([1]).next()));
    for (const error of await Promise.all(calls)) expect(error).toMatchObject({ code: 'ERR_AIOPIPE_CLOSED' });
  });

  it('tasks whose callers wait are taken from the queue', async () => {
    const results = Array.from({ length: 20 }, () => errorOf(fresh.cluster.pool('unserved').run()));
    await until('all wait', async () => (await fresh.cluster.pool('unserved').stats()).queued === 20);
    await fresh.cluster[Symbol.asyncDispose]();
    for (const error of await Promise.all(results)) expect(error).toMatchObject({ code: 'ERR_AIOPIPE_CLOSED' });
    await until('nothing is left in the streams', () => fresh.isEmpty());
  });

  it('a second disposal of the cluster resolves when the first one does', async () => {
    await fresh.cluster.serve({ add }, { size: 1 });
    const [first, second] = [fresh.cluster[Symbol.asyncDispose](), fresh.cluster[Symbol.asyncDispose]()];
    await second;
    expect(fresh.cluster.machines).toEqual([]);
    await first;
  });

  it('a machine that starts while its cluster closes is closed, too', async () => {
    const starting = errorOf(fresh.cluster.serve({ add }, { size: 1 }));
    await fresh.cluster[Symbol.asyncDispose]();
    expect(await starting).toMatchObject({ code: 'ERR_AIOPIPE_CLOSED' });
  });

  it('a machine that closes without a limit takes a later limit', async () => {
    const machine = await fresh.cluster.serve({ forever }, { size: 1 });
    const result = errorOf(fresh.cluster.pool('forever').run());
    await until('it runs', () => machine.running === 1);
    void machine.close();
    await machine.close({ timeout: 50 });
    expect(machine.counts).toMatchObject({ handedBack: 1 });
    await fresh.cluster[Symbol.asyncDispose]();
    await result;
  });

  it('a machine with an outcome that no caller hears closes at its deadline, and hands the task back', async () => {
    const [log, go] = [fresh.log('unheard'), fresh.log('unheard-go')];
    const machine = await fresh.cluster.serve({ waitFor }, { size: 1 });
    const other = await connect({ servers: fresh.server.url });
    const caller = await Cluster.open(other, { name: fresh.cluster.name, lease: 1500 });
    void caller.pool<typeof waitFor>('waitFor').run(log, go);
    await until('the task runs', () => existsSync(log));
    await other.close();
    writeFileSync(go, '');
    await until('the task is done', () => machine.stats.completed === 1);
    await machine.close({ timeout: 100 });
    expect(machine.counts).toMatchObject({ completed: 0, handedBack: 1 });
    await caller[Symbol.asyncDispose]();
  });

  it('what a listener of a machine throws is an uncaught exception, and the machine goes on', async () => {
    const machine = await fresh.cluster.serve({ add, poison }, { size: 1, intensity: 100 });
    const thrown: unknown[] = [];
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => thrown.push(error));
    try {
      for (const type of ['task-left', 'task-dead'] as const) {
        machine.on(type, () => {
          throw new Error(type);
        });
      }
      fresh.cluster.pool('unserved');
      await until('it is thrown', () => thrown.length === 1);
      const dies = fresh.cluster.pool<typeof poison>('poison', { retries: 0 });
      expect(await errorOf(dies.run('/dev/null'))).toMatchObject({ name: 'ChildError' });
      expect(await fresh.cluster.pool<typeof add>('add').run(1, 2)).toBe(3);
      expect(thrown.map(String)).toEqual(['Error: task-left', 'Error: task-dead']);
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const other of others) process.on('uncaughtException', other);
    }
  });
});

// A cluster and its machines while they are closed: no call hangs, and nothing is left.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster } from '@aiopipe/nats';
import { errorOf, leakCheck, NatsServer, natsServer, until } from '@aiopipe/testing';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { add, forever, poison, waitFor } from './fixtures/targets.js';
import { messagesLeft } from './streams.js';

const check = leakCheck();

describe.skipIf(natsServer === undefined)('closing', { timeout: 40_000 }, () => {
  let server: NatsServer;
  let nc: NatsConnection;
  let cluster: Cluster;

  beforeEach(async () => {
    server = await new NatsServer().start();
    nc = await connect({ servers: server.url });
    cluster = await Cluster.open(nc, { name: 'closing', lease: 1500 });
  });
  afterEach(async () => {
    await cluster[Symbol.asyncDispose]();
    await nc.close();
    await server[Symbol.asyncDispose]();
  });
  afterAll(check);

  it('calls that are made while the cluster closes reject, at every moment of it', async () => {
    const pool = cluster.pool('unserved');
    const calls: Promise<unknown>[] = [];
    let isClosed = false;
    const closed = cluster[Symbol.asyncDispose]().then(() => (isClosed = true));
    while (!isClosed) {
      calls.push(errorOf(pool.run()));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await closed;
    calls.push(errorOf(pool.run()), errorOf(pool.stream().next()), errorOf(pool.map([1]).next()));
    for (const error of await Promise.all(calls)) expect(error).toMatchObject({ code: 'ERR_AIOPIPE_CLOSED' });
  });

  it('tasks whose callers wait are taken from the queue', async () => {
    const results = Array.from({ length: 20 }, () => errorOf(cluster.pool('unserved').run()));
    await until('all wait', async () => (await cluster.pool('unserved').stats()).queued === 20);
    await cluster[Symbol.asyncDispose]();
    for (const error of await Promise.all(results)) expect(error).toMatchObject({ code: 'ERR_AIOPIPE_CLOSED' });
    await until('nothing is left in the streams', async () => (await messagesLeft(nc)).length === 0);
  });

  it('a second disposal of the cluster resolves when the first one does', async () => {
    await cluster.serve({ add }, { size: 1 });
    const [first, second] = [cluster[Symbol.asyncDispose](), cluster[Symbol.asyncDispose]()];
    await second;
    expect(cluster.machines).toEqual([]);
    await first;
  });

  it('a machine that starts while its cluster closes is closed, too', async () => {
    const starting = errorOf(cluster.serve({ add }, { size: 1 }));
    await cluster[Symbol.asyncDispose]();
    expect(await starting).toMatchObject({ code: 'ERR_AIOPIPE_CLOSED' });
  });

  it('a machine that closes without a limit takes a later limit', async () => {
    const machine = await cluster.serve({ forever }, { size: 1 });
    const result = errorOf(cluster.pool('forever').run());
    await until('it runs', () => machine.running === 1);
    void machine.close();
    await machine.close({ timeout: 50 });
    expect(machine.counts).toMatchObject({ handedBack: 1 });
    await cluster[Symbol.asyncDispose]();
    await result;
  });

  it('a machine with an outcome that no caller hears closes at its deadline, and hands the task back', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'aiopipe-nats-log-'));
    const [log, go] = [join(folder, 'log'), join(folder, 'go')];
    const machine = await cluster.serve({ waitFor }, { size: 1 });
    const other = await connect({ servers: server.url });
    const caller = await Cluster.open(other, { name: 'closing', lease: 1500 });
    void caller.pool<typeof waitFor>('waitFor').run(log, go);
    await until('the task runs', () => existsSync(log));
    await other.close();
    writeFileSync(go, '');
    await until('the task is done', () => machine.stats.completed === 1);
    const before = performance.now();
    await machine.close({ timeout: 100 });
    expect(performance.now() - before).toBeLessThan(10_000);
    expect(machine.counts).toMatchObject({ completed: 0, handedBack: 1 });
    await caller[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  it('what a listener of a machine throws is an uncaught exception, and the machine goes on', async () => {
    const machine = await cluster.serve({ add, poison }, { size: 1, intensity: 100 });
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
      cluster.pool('unserved');
      await until('it is thrown', () => thrown.length === 1);
      const dies = cluster.pool<typeof poison>('poison', { retries: 0 });
      expect(await errorOf(dies.run('/dev/null'))).toMatchObject({ name: 'ChildError' });
      expect(await cluster.pool<typeof add>('add').run(1, 2)).toBe(3);
      expect(thrown.map(String)).toEqual(['Error: task-left', 'Error: task-dead']);
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const other of others) process.on('uncaughtException', other);
    }
  });
});

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster, merge, type MachineEvents } from '@aiopipe/nats';
import { channel, EndOfStreamError, QueueFullError, type StandardSchema } from '@aiopipe/codec';
import { errorOf, leakCheck, NatsServer, natsServer, until } from '@aiopipe/testing';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { jetstreamManager } from '@nats-io/jetstream';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { add, blocks, count, fail, record, repeat, waitFor } from './fixtures/targets.js';

const check = leakCheck();

async function all<Item>(source: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of source) items.push(item);
  return items;
}

describe.skipIf(natsServer === undefined)('a cluster', () => {
  let server: NatsServer;
  let nc: NatsConnection;
  let cluster: Cluster;
  let folder: string;
  let number = 0;
  const log = (name: string) => join(folder, name);
  const lines = (name: string) => readFileSync(log(name), 'utf8').split('\n').slice(0, -1);
  /** How many messages and objects the cluster has on the server. */
  const stored = async () => {
    const jsm = await jetstreamManager(nc);
    const found: Record<string, number> = {};
    for await (const { config, state } of jsm.streams.list()) {
      if (config.name.includes(cluster.name) && state.messages > 0) found[config.name] = state.messages;
    }
    return found;
  };

  beforeAll(async () => {
    server = await new NatsServer().start();
    nc = await connect({ servers: server.url });
    folder = mkdtempSync(join(tmpdir(), 'aiopipe-nats-log-'));
  });
  afterAll(async () => {
    await nc.close();
    await server[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
    await check();
  });
  beforeEach(async () => {
    cluster = await Cluster.open(nc, { name: `test${String(number++)}`, lease: 2000 });
  });
  afterEach(async () => {
    await cluster[Symbol.asyncDispose]();
  });

  describe('opening', () => {
    it('twice with the same settings is one cluster', async () => {
      await using again = await Cluster.open(nc, { name: cluster.name, lease: 2000 });
      await again.writer('jobs').put(1);
      expect(await cluster.reader('jobs').get()).toBe(1);
    });

    it('with other settings is an error that names the setting', async () => {
      await expect(Cluster.open(nc, { name: cluster.name, queueLimit: 5 })).rejects.toMatchObject({
        code: 'ERR_AIOPIPE_CLUSTER_CONFIG',
        message: expect.stringContaining('max_msgs is 1000000, not 5') as string,
      });
    });

    it('refuses wrong options, and names the nearest', async () => {
      const open = (options: object) => errorOf(Cluster.open(nc, options as { name: string }));
      expect(await open({ name: 'a', replica: 3 })).toMatchObject({
        message: expect.stringContaining('did you mean replicas?') as string,
      });
      expect(await open({})).toBeInstanceOf(TypeError);
      expect(await open({ name: 'a', storage: 'disk' })).toBeInstanceOf(TypeError);
    });
  });

  describe('a queue', () => {
    it('gives each message to one reader, in order', async () => {
      const writer = cluster.writer<number>('jobs');
      for (let i = 0; i < 20; i++) void writer.put(i);
      await writer.end();
      const got: number[] = [];
      for await (const each of cluster.reader<number>('jobs')) got.push(each);
      expect(got).toEqual(Array.from({ length: 20 }, (_, i) => i));
      await until('nothing is left', async () => Object.keys(await stored()).length === 0);
    });

    it('keeps what the serializer keeps', async () => {
      const value = { when: new Date(5), map: new Map([[1, { a: -0 }]]), error: new RangeError('x'), none: undefined };
      await cluster.writer('values').put(value);
      const got = await cluster.reader('values').get();
      expect(got).toEqual(value);
    });

    it('refuses a handle, and names the path', async () => {
      using pair = channel();
      const error = await errorOf(cluster.writer('jobs').put({ jobs: [pair[1]] }));
      expect(error).toMatchObject({ code: 'ERR_AIOPIPE_ENCODE', path: 'value.jobs[0]' });
    });

    it('drops a second message of the same id', async () => {
      const writer = cluster.writer('jobs');
      await writer.put('once', { id: 'a' });
      await writer.put('twice', { id: 'a' });
      await writer.put('other', { id: 'b' });
      const reader = cluster.reader('jobs');
      expect([await reader.get(), await reader.get()]).toEqual(['once', 'other']);
    });

    it('that is full refuses more with QueueFullError at once', async () => {
      const writer = cluster.writer<number>('small', { queueLimit: 2 });
      await writer.put(1);
      await writer.put(2);
      expect(await errorOf(writer.put(3))).toBeInstanceOf(QueueFullError);
      const reader = cluster.reader<number>('small');
      expect(await reader.get()).toBe(1);
      reader.close();
      await until(
        'there is room',
        async () =>
          await writer.put(4).then(
            () => true,
            () => false,
          ),
      );
    });

    it('with other settings is an error that names the setting', async () => {
      await cluster.writer('small', { queueLimit: 2 }).ready;
      const error = await errorOf(cluster.writer('small', { queueLimit: 3 }).put(1));
      expect(error).toMatchObject({ code: 'ERR_AIOPIPE_CLUSTER_CONFIG' });
    });

    it('delivers again what was handed back, and not what was dropped', async () => {
      const writer = cluster.writer('jobs');
      await writer.put('a');
      await writer.put('b');
      const reader = cluster.reader('jobs');
      const first = await reader.receive();
      expect(first).toMatchObject({ value: 'a', attempt: 1 });
      first.nak();
      const [one, other] = [await reader.receive(), await reader.receive()];
      expect([one, other].map(({ value, attempt }) => [value, attempt]).sort()).toEqual([
        ['a', 2],
        ['b', 1],
      ]);
      one.term();
      other.ack();
      await until('nothing is left', async () => Object.keys(await stored()).length === 0);
    });

    it('renews the lease of a message while its reader works on it', async () => {
      await using brief = await Cluster.open(nc, { name: `${cluster.name}-brief`, lease: 300 });
      await brief.writer('jobs').put('long');
      const reader = brief.reader('jobs');
      expect(await reader.get()).toBe('long');
      const other = brief.reader('jobs');
      expect(await errorOf(other.get({ timeout: 1500 }))).toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
      reader.close();
    });

    it('takes no message with a get() that timed out or was aborted', async () => {
      const reader = cluster.reader('jobs');
      expect(await errorOf(reader.get({ timeout: 20 }))).toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
      expect(await errorOf(reader.get({ signal: AbortSignal.abort() }))).toMatchObject({ code: 'ABORT_ERR' });
      await cluster.writer('jobs').put('kept');
      expect(await cluster.reader('jobs').get({ timeout: 5000 })).toBe('kept');
    });

    it('has messages over max_payload in the Object Store, until they are acknowledged', async () => {
      const bytes = new Uint8Array(3_000_000).map((_, index) => index % 251);
      const writer = cluster.writer<Uint8Array>('large');
      await writer.put(bytes);
      await writer.put(new Uint8Array(1));
      const reader = cluster.reader<Uint8Array>('large');
      expect(Buffer.from(await reader.get()).equals(bytes)).toBe(true);
      expect((await reader.get()).length).toBe(1);
      reader.close();
      const chunks = async () => Object.entries(await stored()).filter(([name]) => !name.startsWith('OBJ_')).length;
      await until('nothing is left', async () => (await chunks()) === 0);
      const jsm = await jetstreamManager(nc);
      await until('the object is gone', async () => {
        const { state } = await jsm.streams.info(`OBJ_aiopipe_${cluster.name}_large`, { subjects_filter: '>' });
        return Object.keys(state.subjects ?? {}).every((subject) => subject.includes('.M.'));
      });
    });

    it('is held to the limits of its reader: a message over them is dropped', async () => {
      const writer = cluster.writer('deep');
      await writer.put([[[[[1]]]]]);
      await writer.put('flat');
      const reader = cluster.reader('deep', { limits: { depth: 3 } });
      expect(await errorOf(reader.get())).toMatchObject({ code: 'ERR_AIOPIPE_DECODE' });
      expect(await reader.get()).toBe('flat');
    });

    it('is checked by a schema', async () => {
      const schema: StandardSchema<number> = {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate: (value) => (typeof value === 'number' ? { value } : { issues: [{ message: 'no number' }] }),
        },
      };
      const writer = cluster.writer('jobs');
      await writer.put('x');
      await writer.put(5);
      const reader = cluster.reader('jobs').validate(schema);
      expect(await errorOf(reader.get())).toMatchObject({ code: 'ERR_AIOPIPE_INVALID_MESSAGE' });
      expect(await reader.get()).toBe(5);
    });

    it('ends each reader with a marker', async () => {
      const writer = cluster.writer('jobs');
      await writer.put(1);
      await writer.end({ readers: 2 });
      const one = cluster.reader('jobs');
      const other = cluster.reader('jobs');
      const got = await Promise.all([one, other].map((reader) => all(reader)));
      expect(got.flat()).toEqual([1]);
      expect(await errorOf(one.get())).toBeInstanceOf(EndOfStreamError);
    });

    it('has its messages merged with those of others', async () => {
      const names = ['a', 'b'];
      for (const name of names) {
        const writer = cluster.writer(name);
        for (let i = 0; i < 3; i++) await writer.put(`${name}${String(i)}`);
        await writer.end();
      }
      const got: unknown[] = [];
      for await (const message of merge(names.map((name) => cluster.reader<string>(name)))) got.push(message);
      expect(got.sort()).toEqual(['a0', 'a1', 'a2', 'b0', 'b1', 'b2']);
      await until('nothing is left', async () => Object.keys(await stored()).length === 0);
    });

    it('gives with tryGet() what has come', async () => {
      const reader = cluster.reader('jobs');
      await reader.ready;
      expect(reader.tryGet()).toBeUndefined();
      await cluster.writer('jobs').put('x');
      let got: { value: unknown } | undefined;
      await until('it has come', () => (got = reader.tryGet()) !== undefined);
      expect(got).toEqual({ value: 'x' });
    });

    it('with an ordered reader keeps the order, also of what is delivered again', async () => {
      const writer = cluster.writer('jobs');
      for (const each of ['a', 'b', 'c']) await writer.put(each);
      const reader = cluster.reader('jobs', { ordered: true });
      const first = await reader.receive();
      first.nak();
      expect([await reader.get(), await reader.get(), await reader.get()]).toEqual(['a', 'b', 'c']);
    });
  });

  describe('a topic', () => {
    it('gives each message to all readers that are there', async () => {
      const readers = [1, 2, 3].map(() => cluster.reader('news', { kind: 'topic' }));
      await Promise.all(readers.map(({ ready }) => ready));
      const writer = cluster.writer('news', { kind: 'topic' });
      await writer.put('a');
      await writer.put(new Uint8Array(2_000_000));
      await writer.end();
      const got = await Promise.all(readers.map((reader) => all(reader)));
      const lengths = got.map((messages) => messages.map((message) => (message as string | Uint8Array).length));
      expect(lengths).toEqual([
        [1, 2_000_000],
        [1, 2_000_000],
        [1, 2_000_000],
      ]);
    });

    it('goes on for a durable reader where it has stopped', async () => {
      const options = { kind: 'topic', durable: 'me', from: 'first' } as const;
      const writer = cluster.writer('news', { kind: 'topic' });
      await writer.put(1);
      const before = cluster.reader('news', options);
      expect(await before.get()).toBe(1);
      before.close();
      await writer.put(2);
      expect(await cluster.reader('news', options).get()).toBe(2);
    });
  });

  describe('a pool', () => {
    const serve = (name = 'm1') =>
      cluster.serve({ add, blocks, count, fail, repeat, waitFor }, { size: 2, name, drainTimeout: 5000 });

    it('runs tasks on a machine, and gives their results', async () => {
      await using _ = await serve();
      const pool = cluster.pool<typeof add>('add');
      expect(await pool.run(1, 2)).toBe(3);
      expect(await Promise.all(Array.from({ length: 50 }, (_, i) => pool.run(i, i)))).toEqual(
        Array.from({ length: 50 }, (_, i) => 2 * i),
      );
      await until('nothing is left', async () => Object.keys(await stored()).length === 0);
    });

    it('takes tasks ahead of its workers, as many as prefetch says', async () => {
      await using _ = await cluster.serve({ waitFor }, { size: 1, name: 'ahead', prefetch: 3 });
      const pool = cluster.pool<typeof waitFor>('waitFor');
      const results = Array.from({ length: 6 }, () => pool.run(log('ahead'), log('ahead-go')));
      await until('it has four', async () => (await pool.stats()).running === 4);
      expect((await pool.stats()).queued).toBe(2);
      writeFileSync(log('ahead-go'), '');
      expect(await Promise.all(results)).toEqual(Array.from({ length: 6 }, () => process.pid));
      expect(await errorOf(cluster.serve({ waitFor }, { prefetch: -1 }))).toBeInstanceOf(TypeError);
    });

    it('rebuilds the error of a task, with the name of the machine', async () => {
      await using _ = await serve('berlin');
      const error = await errorOf(cluster.pool<typeof fail>('fail').run('too much'));
      expect(error).toBeInstanceOf(RangeError);
      expect(error).toMatchObject({ message: 'too much', limit: 7, machine: 'berlin' });
    });

    it('maps in order, and takes no more items than it may', async () => {
      await using _ = await serve();
      let taken = 0;
      const items = function* () {
        for (; taken < 100; taken++) yield [taken, 1] as [number, number];
      };
      const got: number[] = [];
      for await (const each of cluster.pool<typeof add>('add').map(items(), { spread: true, concurrency: 8 })) {
        got.push(each);
        expect(taken).toBeLessThanOrEqual(got.length + 9);
      }
      expect(got).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    });

    it('streams the items of a generator, which waits for its caller', async () => {
      await using _ = await serve();
      const got: number[] = [];
      for await (const block of cluster.pool<typeof blocks>('blocks').stream(log('all'), 60)) {
        got.push(block[0] as number);
        if (got.length === 1) await until('the window is full', () => lines('all').length >= 16);
        // 16 items between the machines, and what the pipe of the worker holds.
        expect(lines('all').length).toBeLessThan(got.length + 32);
      }
      expect(got).toEqual(Array.from({ length: 60 }, (_, i) => i));
    });

    it('ends the generator if the caller leaves the stream', async () => {
      await using _ = await serve();
      for await (const each of cluster.pool<typeof count>('count').stream(log('left'), 1_000_000))
        if (each === 3) break;
      await until('it has ended', () => lines('left').at(-1) === 'ended');
      await until('nothing is left', async () => Object.keys(await stored()).length === 0);
    });

    it('takes arguments and results over max_payload', async () => {
      await using _ = await serve();
      const bytes = new Uint8Array(2_500_000).fill(7);
      expect((await cluster.pool<typeof repeat>('repeat').run(bytes)).length).toBe(bytes.length);
    });

    it('refuses a handle among the arguments, and names the path', async () => {
      using pair = channel();
      const pool = cluster.pool('add');
      expect(await errorOf(pool.run({ end: pair[0] }))).toMatchObject({
        code: 'ERR_AIOPIPE_ENCODE',
        path: 'args[0].end',
      });
    });

    it('takes a cancelled task from the queue', async () => {
      const pool = cluster.pool<typeof add>('add');
      expect(await errorOf(pool.with({ timeout: 200 }).run(1, 2))).toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
      await until('nothing is left', async () => Object.keys(await stored()).length === 0);
    });

    it('tells a running task that its caller has left', async () => {
      await using _ = await serve();
      const abort = new AbortController();
      const running = cluster
        .pool<typeof waitFor>('waitFor')
        .with({ signal: abort.signal })
        .run(log('w'), log('never'));
      await until('it runs', () => {
        try {
          return lines('w').length === 1;
        } catch {
          return false;
        }
      });
      abort.abort();
      expect(await errorOf(running)).toMatchObject({ code: 'ABORT_ERR' });
      await until('nothing is left', async () => Object.keys(await stored()).length === 0);
    });

    it('runs tasks of a higher priority before others that wait', async () => {
      const pool = cluster.pool<typeof record>('record');
      const file = log('priority');
      const normal = [1, 2, 3, 4, 5, 6].map((id) => pool.run(file, id, 20));
      const first = [11, 12, 13].map((id) => pool.with({ priority: 1 }).run(file, id, 20));
      await until('all are stored', async () => (await stored())[`aiopipe_${cluster.name}_tasks`] === 9);
      await using _ = await cluster.serve({ record }, { size: 1 });
      await Promise.all([...normal, ...first]);
      // The machine may have taken one task for its worker before it has heard of those that come first.
      const order = lines('priority').map(Number);
      expect(order.filter((id) => id > 10)).toEqual([11, 12, 13]);
      expect(order.indexOf(13)).toBeLessThanOrEqual(3);
      expect(order.filter((id) => id < 10)).toEqual([1, 2, 3, 4, 5, 6]);
    });

    it('leaves tasks of another version to other machines, and says so', async () => {
      await using machine = await serve();
      const left = once(machine, 'task-left') as Promise<MachineEvents['task-left']>;
      const newer = cluster.pool<typeof add>('add', { version: '2' });
      expect((await left)[0]).toMatchObject({ target: 'add', version: '2', served: '1' });
      const result = newer.run(1, 1);
      await using _ = await cluster.serve({ add }, { size: 1, version: '2' });
      expect(await result).toBe(2);
    });

    it('tells what all machines do', async () => {
      await using _one = await serve('one');
      await using _other = await serve('other');
      const pool = cluster.pool<typeof add>('add');
      await pool.run(1, 2);
      const stats = await pool.stats();
      expect(stats.machines.map(({ name }) => name).sort()).toEqual(['one', 'other']);
      expect(stats).toMatchObject({ queued: 0 });
      expect(stats.workers.idle + stats.workers.busy + stats.workers.starting).toBe(4);
    });

    it('rejects waiting tasks if the cluster is closed', async () => {
      const result = cluster.pool<typeof add>('add').run(1, 2);
      await cluster[Symbol.asyncDispose]();
      expect(await errorOf(result)).toMatchObject({ code: 'ERR_AIOPIPE_CLOSED' });
    });
  });
});

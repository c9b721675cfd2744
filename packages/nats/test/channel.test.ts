// The channels of a cluster: queues and topics.
import { channel, EndOfStreamError, QueueFullError, type StandardSchema } from '@aiopipe/codec';
import { Cluster, merge } from '@aiopipe/nats';
import { errorOf, leakCheck, natsServer, until } from '@aiopipe/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import { afterAll, describe, expect, it } from 'vitest';
import { freshCluster } from './fresh-cluster.js';

const check = leakCheck();
afterAll(check);

async function all<Item>(source: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of source) items.push(item);
  return items;
}

describe.skipIf(natsServer === undefined)('a channel of a cluster', () => {
  const fresh = freshCluster({ lease: 2000 });

  describe('a queue', () => {
    it('gives each message to one reader, in order', async () => {
      const writer = fresh.cluster.writer<number>('jobs');
      for (let i = 0; i < 20; i++) void writer.put(i);
      await writer.end();
      const got: number[] = [];
      for await (const each of fresh.cluster.reader<number>('jobs')) got.push(each);
      expect(got).toEqual(Array.from({ length: 20 }, (_, i) => i));
      await until('nothing is left', async () => Object.keys(await fresh.stored()).length === 0);
    });

    it('keeps what the serializer keeps', async () => {
      const value = { when: new Date(5), map: new Map([[1, { a: -0 }]]), error: new RangeError('x'), none: undefined };
      await fresh.cluster.writer('values').put(value);
      const got = await fresh.cluster.reader('values').get();
      expect(got).toEqual(value);
    });

    it('refuses a handle, and names the path', async () => {
      using pair = channel();
      const error = await errorOf(fresh.cluster.writer('jobs').put({ jobs: [pair[1]] }));
      expect(error).toMatchObject({ code: 'ERR_AIOPIPE_ENCODE', path: 'value.jobs[0]' });
    });

    it('drops a second message of the same id', async () => {
      const writer = fresh.cluster.writer('jobs');
      await writer.put('once', { id: 'a' });
      await writer.put('twice', { id: 'a' });
      await writer.put('other', { id: 'b' });
      const reader = fresh.cluster.reader('jobs');
      expect([await reader.get(), await reader.get()]).toEqual(['once', 'other']);
    });

    it('that is full refuses more with QueueFullError at once', async () => {
      const writer = fresh.cluster.writer<number>('small', { queueLimit: 2 });
      await writer.put(1);
      await writer.put(2);
      const error = await errorOf(writer.put(3));
      expect(error).toBeInstanceOf(QueueFullError);
      expect(error.message).toBe(
        'the queue small: the queue is full (queueLimit); try again later, or add readers or machines. ' +
          'A queue that exists keeps its queueLimit',
      );
      const reader = fresh.cluster.reader<number>('small');
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

    it('with other settings is an error that names the option', async () => {
      await fresh.cluster.writer('small', { queueLimit: 2 }).ready;
      const error = await errorOf(fresh.cluster.writer('small', { queueLimit: 3 }).put(1));
      expect(error).toMatchObject({ code: 'ERR_AIOPIPE_CLUSTER_CONFIG' });
      expect(error.message).toMatch(/^the queue small: .* queueLimit is 2 there, and 3 here;/);
    });

    it('delivers again what was handed back, and not what was dropped', async () => {
      const writer = fresh.cluster.writer('jobs');
      await writer.put('a');
      await writer.put('b');
      const reader = fresh.cluster.reader('jobs');
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
      await until('nothing is left', async () => Object.keys(await fresh.stored()).length === 0);
    });

    it('renews the lease of a message while its reader works on it', async () => {
      await using brief = await Cluster.open(fresh.nc, { name: `${fresh.cluster.name}-brief`, lease: 300 });
      await brief.writer('jobs').put('long');
      const reader = brief.reader('jobs');
      expect(await reader.get()).toBe('long');
      const other = brief.reader('jobs');
      expect(await errorOf(other.get({ timeout: 1500 }))).toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
      reader.close();
    });

    it('takes no message with a get() that timed out or was aborted', async () => {
      const reader = fresh.cluster.reader('jobs');
      expect(await errorOf(reader.get({ timeout: 20 }))).toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
      expect(await errorOf(reader.get({ signal: AbortSignal.abort() }))).toMatchObject({ code: 'ABORT_ERR' });
      await fresh.cluster.writer('jobs').put('kept');
      expect(await fresh.cluster.reader('jobs').get()).toBe('kept');
    });

    it('has messages over max_payload in the Object Store, until they are acknowledged', async () => {
      const bytes = new Uint8Array(3_000_000).map((_, index) => index % 251);
      const writer = fresh.cluster.writer<Uint8Array>('large');
      await writer.put(bytes);
      await writer.put(new Uint8Array(1));
      const reader = fresh.cluster.reader<Uint8Array>('large');
      expect(Buffer.from(await reader.get()).equals(bytes)).toBe(true);
      expect((await reader.get()).length).toBe(1);
      reader.close();
      const chunks = async () =>
        Object.entries(await fresh.stored()).filter(([name]) => !name.startsWith('OBJ_')).length;
      await until('nothing is left', async () => (await chunks()) === 0);
      const jsm = await jetstreamManager(fresh.nc);
      await until('the object is gone', async () => {
        const { state } = await jsm.streams.info(`OBJ_aiopipe_${fresh.cluster.name}_large`, { subjects_filter: '>' });
        return Object.keys(state.subjects ?? {}).every((subject) => subject.includes('.M.'));
      });
    });

    it('is held to the limits of its reader: a message over them is dropped', async () => {
      const writer = fresh.cluster.writer('deep');
      await writer.put([[[[[1]]]]]);
      await writer.put('flat');
      const reader = fresh.cluster.reader('deep', { limits: { depth: 3 } });
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
      const writer = fresh.cluster.writer('jobs');
      await writer.put('x');
      await writer.put(5);
      const reader = fresh.cluster.reader('jobs').validate(schema);
      expect(await errorOf(reader.get())).toMatchObject({ code: 'ERR_AIOPIPE_INVALID_MESSAGE' });
      expect(await reader.get()).toBe(5);
    });

    it('ends each reader with a marker', async () => {
      const writer = fresh.cluster.writer('jobs');
      await writer.put(1);
      await writer.end({ readers: 2 });
      const one = fresh.cluster.reader('jobs');
      const other = fresh.cluster.reader('jobs');
      const got = await Promise.all([one, other].map((reader) => all(reader)));
      expect(got.flat()).toEqual([1]);
      expect(await errorOf(one.get())).toBeInstanceOf(EndOfStreamError);
    });

    it('has its messages merged with those of others', async () => {
      const names = ['a', 'b'];
      for (const name of names) {
        const writer = fresh.cluster.writer(name);
        for (let i = 0; i < 3; i++) await writer.put(`${name}${String(i)}`);
        await writer.end();
      }
      const got: unknown[] = [];
      for await (const message of merge(names.map((name) => fresh.cluster.reader<string>(name)))) got.push(message);
      expect(got.sort()).toEqual(['a0', 'a1', 'a2', 'b0', 'b1', 'b2']);
      await until('nothing is left', async () => Object.keys(await fresh.stored()).length === 0);
    });

    it('gives with tryGet() what has come', async () => {
      const reader = fresh.cluster.reader('jobs');
      await reader.ready;
      expect(reader.tryGet()).toBeUndefined();
      await fresh.cluster.writer('jobs').put('x');
      let got: { value: unknown } | undefined;
      await until('it has come', () => (got = reader.tryGet()) !== undefined);
      expect(got).toEqual({ value: 'x' });
    });

    it('with an ordered reader keeps the order, also of what is delivered again', async () => {
      const writer = fresh.cluster.writer('jobs');
      for (const each of ['a', 'b', 'c']) await writer.put(each);
      const reader = fresh.cluster.reader('jobs', { ordered: true });
      const first = await reader.receive();
      first.nak();
      expect([await reader.get(), await reader.get(), await reader.get()]).toEqual(['a', 'b', 'c']);
    });
  });

  describe('a topic', () => {
    it('gives each message to all readers that are there', async () => {
      const readers = [1, 2, 3].map(() => fresh.cluster.reader('news', { kind: 'topic' }));
      await Promise.all(readers.map(({ ready }) => ready));
      const writer = fresh.cluster.writer('news', { kind: 'topic' });
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
      const writer = fresh.cluster.writer('news', { kind: 'topic' });
      await writer.put(1);
      const before = fresh.cluster.reader('news', options);
      expect(await before.get()).toBe(1);
      before.close();
      await writer.put(2);
      expect(await fresh.cluster.reader('news', options).get()).toBe(2);
    });
  });
});

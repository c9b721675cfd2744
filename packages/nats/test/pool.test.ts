// The calls of a cluster: tasks that its machines run.
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { channel } from '@aiopipe/codec';
import { type MachineEvents } from '@aiopipe/nats';
import { errorOf, leakCheck, natsServer, until } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { add, blocks, count, fail, record, repeat, waitFor } from './fixtures/targets.js';
import { freshCluster } from './fresh-cluster.js';

const check = leakCheck();
afterAll(check);

describe.skipIf(natsServer === undefined)('a pool of a cluster', () => {
  const fresh = freshCluster({ lease: 2000 });

  const serve = (name = 'm1') =>
    fresh.cluster.serve({ add, blocks, count, fail, repeat, waitFor }, { size: 2, name, drainTimeout: 5000 });

  it('runs tasks on a machine, and gives their results', async () => {
    await using _ = await serve();
    const pool = fresh.cluster.pool<typeof add>('add');
    expect(await pool.run(1, 2)).toBe(3);
    expect(await Promise.all(Array.from({ length: 50 }, (_, i) => pool.run(i, i)))).toEqual(
      Array.from({ length: 50 }, (_, i) => 2 * i),
    );
    await until('nothing is left', async () => Object.keys(await fresh.stored()).length === 0);
  });

  it('takes tasks ahead of its workers, as many as prefetch says', async () => {
    await using _ = await fresh.cluster.serve({ waitFor }, { size: 1, name: 'ahead', prefetch: 3 });
    const pool = fresh.cluster.pool<typeof waitFor>('waitFor');
    const results = Array.from({ length: 6 }, () => pool.run(fresh.log('ahead'), fresh.log('ahead-go')));
    await until('it has four', async () => (await pool.stats()).running === 4);
    expect((await pool.stats()).queued).toBe(2);
    writeFileSync(fresh.log('ahead-go'), '');
    expect(await Promise.all(results)).toEqual(Array.from({ length: 6 }, () => process.pid));
    expect(await errorOf(fresh.cluster.serve({ waitFor }, { prefetch: -1 }))).toBeInstanceOf(TypeError);
  });

  it('rebuilds the error of a task, with the name of the machine', async () => {
    await using _ = await serve('berlin');
    const error = await errorOf(fresh.cluster.pool<typeof fail>('fail').run('too much'));
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
    for await (const each of fresh.cluster.pool<typeof add>('add').map(items(), { spread: true, concurrency: 8 })) {
      got.push(each);
      expect(taken).toBeLessThanOrEqual(got.length + 9);
    }
    expect(got).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
  });

  it('ends the source of a map if one of its items cannot be sent', async () => {
    await using _ = await serve();
    let hasEnded = false;
    const items = function* () {
      try {
        yield [1, 2] as [number, number];
        yield [1, (() => 2) as never] as [number, number];
        yield [3, 4] as [number, number];
      } finally {
        hasEnded = true;
      }
    };
    const map = fresh.cluster.pool<typeof add>('add').map(items(), { spread: true });
    expect(await map.next()).toEqual({ done: false, value: 3 });
    expect(await errorOf(map.next())).toMatchObject({ code: 'ERR_AIOPIPE_ENCODE', path: 'args[1]' });
    expect(hasEnded).toBe(true);
  });

  it('streams the items of a generator, which waits for its caller', async () => {
    await using _ = await serve();
    const got: number[] = [];
    for await (const block of fresh.cluster.pool<typeof blocks>('blocks').stream(fresh.log('all'), 60)) {
      got.push(block[0] as number);
      if (got.length === 1) await until('the window is full', () => fresh.lines('all').length >= 16);
      // 16 items between the machines, and what the pipe of the worker holds.
      expect(fresh.lines('all').length).toBeLessThan(got.length + 32);
    }
    expect(got).toEqual(Array.from({ length: 60 }, (_, i) => i));
  });

  it('ends the generator if the caller leaves the stream', async () => {
    await using _ = await serve();
    for await (const each of fresh.cluster.pool<typeof count>('count').stream(fresh.log('left'), 1_000_000))
      if (each === 3) break;
    await until('it has ended', () => fresh.lines('left').at(-1) === 'ended');
    await until('nothing is left', async () => Object.keys(await fresh.stored()).length === 0);
  });

  it('takes arguments and results over max_payload', async () => {
    await using _ = await serve();
    const bytes = new Uint8Array(2_500_000).fill(7);
    expect((await fresh.cluster.pool<typeof repeat>('repeat').run(bytes)).length).toBe(bytes.length);
  });

  it('refuses a handle among the arguments, and names the path', async () => {
    using pair = channel();
    const pool = fresh.cluster.pool('add');
    expect(await errorOf(pool.run({ end: pair[0] }))).toMatchObject({
      code: 'ERR_AIOPIPE_ENCODE',
      path: 'args[0].end',
    });
  });

  it('takes a cancelled task from the queue', async () => {
    const pool = fresh.cluster.pool<typeof add>('add');
    expect(await errorOf(pool.with({ timeout: 200 }).run(1, 2))).toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
    await until('nothing is left', async () => Object.keys(await fresh.stored()).length === 0);
  });

  it('tells a running task that its caller has left', async () => {
    await using _ = await serve();
    const abort = new AbortController();
    const running = fresh.cluster
      .pool<typeof waitFor>('waitFor')
      .with({ signal: abort.signal })
      .run(fresh.log('w'), fresh.log('never'));
    await until('it runs', () => existsSync(fresh.log('w')));
    abort.abort();
    expect(await errorOf(running)).toMatchObject({ code: 'ABORT_ERR' });
    await until('nothing is left', async () => Object.keys(await fresh.stored()).length === 0);
  });

  it('runs tasks of a higher priority before others that wait', async () => {
    const pool = fresh.cluster.pool<typeof record>('record');
    const file = fresh.log('priority');
    const normal = [1, 2, 3, 4, 5, 6].map((id) => pool.run(file, id, 20));
    const first = [11, 12, 13].map((id) => pool.with({ priority: 1 }).run(file, id, 20));
    await until('all are stored', async () => (await fresh.stored())[`aiopipe_${fresh.cluster.name}_tasks`] === 9);
    await using _ = await fresh.cluster.serve({ record }, { size: 1 });
    await Promise.all([...normal, ...first]);
    // The machine may have taken one task for its worker before it has heard of those that come first.
    const order = fresh.lines('priority').map(Number);
    expect(order.filter((id) => id > 10)).toEqual([11, 12, 13]);
    expect(order.indexOf(13)).toBeLessThanOrEqual(3);
    expect(order.filter((id) => id < 10)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('leaves tasks of another version to other machines, and says so', async () => {
    await using machine = await serve();
    const left = once(machine, 'task-left') as Promise<MachineEvents['task-left']>;
    const newer = fresh.cluster.pool<typeof add>('add', { version: '2' });
    expect((await left)[0]).toMatchObject({ target: 'add', version: '2', served: '1' });
    const result = newer.run(1, 1);
    await using _ = await fresh.cluster.serve({ add }, { size: 1, version: '2' });
    expect(await result).toBe(2);
  });

  it('tells what all machines do', async () => {
    await using _one = await serve('one');
    await using _other = await serve('other');
    const pool = fresh.cluster.pool<typeof add>('add');
    await pool.run(1, 2);
    const stats = await pool.stats();
    expect(stats.machines.map(({ name }) => name).sort()).toEqual(['one', 'other']);
    expect(stats).toMatchObject({ queued: 0 });
    expect(stats.workers.idle + stats.workers.busy + stats.workers.starting).toBe(4);
  });

  it('rejects waiting tasks if the cluster is closed', async () => {
    const result = fresh.cluster.pool<typeof add>('add').run(1, 2);
    await fresh.cluster[Symbol.asyncDispose]();
    expect(await errorOf(result)).toMatchObject({ code: 'ERR_AIOPIPE_CLOSED' });
  });
});

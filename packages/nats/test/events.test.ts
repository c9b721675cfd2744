import { AsyncLocalStorage } from 'node:async_hooks';
import { channel as diagnosticsChannel } from 'node:diagnostics_channel';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Cluster,
  type ClusterMessage,
  type ClusterTask,
  type MachineEventMessage,
  type MachineMessage,
  type MachineTask,
} from '@aiopipe/nats';
import { serialize } from '@aiopipe/codec';
import { addContextCarrier } from '@aiopipe/core';
import { errorOf, leakCheck, NatsServer, natsServer, observe, observeTraced, until } from '@aiopipe/testing';
import { connect, headers as natsHeaders, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { add, breaks, count, fail, poison, waitFor } from './fixtures/targets.js';

const check = leakCheck();
const DONE = ['start', 'end', 'asyncStart', 'asyncEnd'];
const FAILED = ['start', 'end', 'error', 'asyncStart', 'asyncEnd'];
const targets = { add, breaks, count, fail, poison, waitFor };

describe.skipIf(natsServer === undefined)('the events of a cluster', () => {
  let server: NatsServer;
  let nc: NatsConnection;
  let cluster: Cluster;
  let folder: string;
  let number = 0;
  const file = (name: string) => join(folder, name);

  beforeAll(async () => {
    server = await new NatsServer().start();
    nc = await connect({ servers: server.url });
  });
  afterAll(async () => {
    await nc.close();
    await server[Symbol.asyncDispose]();
    await check();
  });
  beforeEach(async () => {
    cluster = await Cluster.open(nc, { name: `told${String(number++)}`, lease: 2000 });
    folder = mkdtempSync(join(tmpdir(), 'aiopipe-nats-log-'));
  });
  afterEach(async () => {
    await cluster[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  it('tell of a task, with its caller and on its machine', async () => {
    using called = observeTraced<ClusterTask>('aiopipe:cluster.task');
    using served = observeTraced<MachineTask>('aiopipe:machine.task');
    await using _ = await cluster.serve(targets, { size: 1, name: 'm 1' });
    expect(await cluster.pool<typeof add>('add').with({ priority: 3, key: 'k' }).run(1, 2)).toBe(3);
    expect(called.events()).toEqual(DONE);
    expect(served.events()).toEqual(DONE);
    const common = { cluster: cluster.name, target: 'add', version: '1', kind: 'run', machine: 'm 1' };
    const { message } = called.published[0] ?? {};
    expect(message).toMatchObject({ ...common, retries: 3, priority: 3, key: 'k', attempts: 1 });
    expect(served.published[0]?.message).toMatchObject({ ...common, id: message?.id, attempt: 1 });
  });

  it('tell of a task that throws, and of one that cannot be sent', async () => {
    using called = observeTraced<ClusterTask>('aiopipe:cluster.task');
    using served = observeTraced<MachineTask>('aiopipe:machine.task');
    await using _ = await cluster.serve(targets, { size: 1 });
    const error = await errorOf(cluster.pool<typeof fail>('fail').run('no'));
    expect(called.events()).toEqual(FAILED);
    expect(called.published[2]?.message.error).toBe(error);
    expect(served.events()).toEqual(FAILED);
    await errorOf(cluster.pool('add').run(() => 1));
    expect(called.events().slice(5)).toEqual(['start', 'error', 'end']);
  });

  it('tell of a stream that ends, and of one that is left', async () => {
    using called = observeTraced<ClusterTask>('aiopipe:cluster.task');
    using served = observeTraced<MachineTask>('aiopipe:machine.task');
    await using _ = await cluster.serve(targets, { size: 1 });
    const pool = cluster.pool<typeof count>('count');
    for await (const item of pool.stream(file('count'), 3)) expect(item).toBeLessThan(3);
    expect(called.events()).toEqual(DONE);
    await until('the machine knows', () => served.events().length === DONE.length);
    expect(served.events()).toEqual(DONE);
    for await (const item of pool.stream(file('count'), 1000)) {
      expect(item).toBe(0);
      break;
    }
    expect(called.events().slice(4)).toEqual(FAILED);
    expect(called.published[6]?.message).toMatchObject({ kind: 'stream', error: { code: 'ABORT_ERR' } });
    await until('the machine knows', () => served.events().length === DONE.length + FAILED.length);
    expect(served.events().slice(4)).toEqual(FAILED);
  });

  it('tell of a stream whose generator throws after an item; it is not tried again', async () => {
    using called = observeTraced<ClusterTask>('aiopipe:cluster.task');
    using served = observeTraced<MachineTask>('aiopipe:machine.task');
    await using _ = await cluster.serve(targets, { size: 1 });
    const stream = cluster.pool<typeof breaks>('breaks').stream(file('breaks'));
    expect(await stream.next()).toEqual({ done: false, value: 'item' });
    expect(await errorOf(stream.next())).toMatchObject({ name: 'RangeError', message: 'broken' });
    expect(called.events()).toEqual(FAILED);
    expect(served.events()).toEqual(FAILED);
    expect(readFileSync(file('breaks'), 'utf8')).toBe('begun\n');
  });

  it('tell of tasks whose map is left', async () => {
    using called = observeTraced<ClusterTask>('aiopipe:cluster.task');
    const map = cluster.pool<typeof add>('add').map(
      [
        [1, 2],
        [3, 4],
      ] as [number, number][],
      { spread: true },
    );
    const first = errorOf(map.next());
    await until('both are called', () => called.events().length === 4);
    void map.return();
    await cluster[Symbol.asyncDispose]();
    await first;
    expect(called.events().filter((event) => event === 'asyncEnd').length).toBe(2);
  });

  it('tell of each try of a task whose worker dies, and of the machine', async () => {
    using called = observeTraced<ClusterTask>('aiopipe:cluster.task');
    using served = observeTraced<MachineTask>('aiopipe:machine.task');
    using lives = observe<MachineMessage>(['aiopipe:machine.open', 'aiopipe:machine.close']);
    using events = observe<MachineEventMessage>(['aiopipe:machine.event']);
    const machine = await cluster.serve(targets, { size: 1, intensity: 10, name: 'm1' });
    expect(lives.events()).toEqual(['machine.open']);
    expect(lives.published[0]?.message.machine).toBe(machine);
    expect(machine).toMatchObject({ cluster: cluster.name, targets: Object.keys(targets), version: '1', running: 0 });
    await errorOf(cluster.pool<typeof poison>('poison').with({ retries: 1 }).run(file('poison')));
    expect(called.published[0]?.message).toMatchObject({ attempts: 2, machine: 'm1' });
    const tries = served.published.filter(({ event }) => event === 'error').map(({ message }) => message);
    expect(tries.map(({ attempt, error }) => [attempt, (error as { code: string }).code])).toEqual([
      [1, 'ERR_AIOPIPE_NO_RESULT'],
      [2, 'ERR_AIOPIPE_NO_RESULT'],
    ]);
    await machine.close();
    expect(lives.events()).toEqual(['machine.open', 'machine.close']);
    expect(events.published.map(({ message: { machine: of, event } }) => [of === machine, event.type])).toEqual([
      [true, 'task-retried'],
      [true, 'task-dead'],
    ]);
  });

  it('tell of the cluster, whose machines and pools have counts', async () => {
    using lives = observe<ClusterMessage>(['aiopipe:cluster.open', 'aiopipe:cluster.close']);
    const opened = await Cluster.open(nc, { name: `counted${String(number)}`, lease: 2000 });
    expect(lives.published[0]?.message.cluster).toBe(opened);
    const pool = opened.pool<typeof add>('add');
    expect(await pool.stats()).toMatchObject({ queued: 0, running: 0, machines: [] });
    const first = pool.run(1, 2);
    await until('it waits', async () => (await pool.stats()).queued === 1);
    expect(opened.pools).toMatchObject([{ target: 'add', version: '1', counts: { outstanding: 1, completed: 0 } }]);
    const machine = await opened.serve(targets, { size: 1, intensity: 10 });
    expect(opened.machines).toEqual([machine]);
    await first;
    await errorOf(opened.pool<typeof fail>('fail').run('no'));
    await errorOf(opened.pool<typeof poison>('poison').with({ retries: 1 }).run(file('poison')));
    const stream = opened.pool<typeof count>('count').stream(file('count'), 1000);
    await stream.next();
    await stream.return();
    const none = { outstanding: 0, completed: 0, failed: 0, cancelled: 0, retried: 0 };
    expect(opened.pools.map(({ target, counts }) => [target, counts])).toEqual([
      ['add', { ...none, completed: 1 }],
      ['fail', { ...none, failed: 1 }],
      ['poison', { ...none, failed: 1, retried: 1 }],
      ['count', { ...none, cancelled: 1 }],
    ]);
    await until('the machine knows', () => machine.counts.cancelled === 1);
    expect(machine.counts).toEqual({ completed: 1, failed: 2, cancelled: 1, handedBack: 1, redelivered: 1 });
    expect(machine).toMatchObject({ lease: 2000, isDraining: false });
    await opened[Symbol.asyncDispose]();
    expect(machine.isDraining).toBe(true);
    expect(opened.machines).toEqual([]);
    expect(lives.events()).toEqual(['cluster.open', 'cluster.close']);
  });

  it('show how many tasks a machine runs', async () => {
    await using machine = await cluster.serve(targets, { size: 2 });
    const stop = new AbortController();
    const result = errorOf(
      cluster.pool<typeof waitFor>('waitFor').with({ signal: stop.signal }).run(file('log'), file('go')),
    );
    await until('it runs', () => existsSync(file('log')));
    expect(machine.running).toBe(1);
    stop.abort();
    await result;
    await until('it is free', () => machine.running === 0);
  });

  describe('the context', () => {
    const calls = new AsyncLocalStorage<string>();
    let carrier: Disposable;
    beforeEach(() => {
      carrier = addContextCarrier({
        name: 'test',
        inject: () => calls.getStore(),
        extract: (carried, run) => {
          calls.run(carried, run);
        },
        env: () => {
          const id = calls.getStore();
          return id === undefined
            ? undefined
            : { TRACEPARENT: id, BAGGAGE: 'user=ada', TRACESTATE: 'a\nb', OTHER: 'x' };
        },
      });
    });
    afterEach(() => {
      carrier[Symbol.dispose]();
    });
    /** Resolves with the headers of the next message that `send` sends to a subject. */
    const headersOf = async (subject: string, send: () => Promise<unknown>): Promise<MsgHdrs | undefined> => {
      const subscription = nc.subscribe(subject, { max: 1 });
      await nc.flush();
      await send();
      for await (const { headers } of subscription) return headers;
      return undefined;
    };

    it('of a task is in plain headers, too, for other users of NATS', async () => {
      await using _ = await cluster.serve(targets, { size: 1 });
      const pool = cluster.pool<typeof add>('add');
      const call = () => calls.run('00-a-b-01', () => pool.run(1, 2));
      const headers = await headersOf(`aiopipe.${cluster.name}.tasks.>`, call);
      expect(headers?.get('traceparent')).toBe('00-a-b-01');
      expect(headers?.get('baggage')).toBe('user=ada');
      // A header cannot hold a line end.
      expect(headers?.has('tracestate')).toBe(false);
    });

    it('of a task is there on its machine, for a stream, too', async () => {
      await using _ = await cluster.serve(targets, { size: 1 });
      const seen: unknown[] = [];
      // The local pool's own tasks begin within it.
      const note = () => seen.push(calls.getStore());
      const start = diagnosticsChannel('tracing:aiopipe:pool.task:start');
      start.subscribe(note);
      await calls.run('one', () => cluster.pool<typeof add>('add').run(1, 2));
      await calls.run('two', async () => {
        for await (const item of cluster.pool<typeof count>('count').stream(file('count'), 1)) expect(item).toBe(0);
      });
      start.unsubscribe(note);
      expect(seen).toEqual(['one', 'two']);
    });

    it('of a message that another user of NATS has sent is in its plain headers', async () => {
      const traces = new AsyncLocalStorage<unknown>();
      using _ = addContextCarrier({
        name: 'opentelemetry',
        inject: () => undefined,
        extract: (carried, run) => {
          traces.run(JSON.parse(carried), run);
        },
      });
      const reader = cluster.reader<string>('jobs');
      await reader.ready;
      const subject = `aiopipe.${cluster.name}.queue.jobs`;
      for (const fields of [
        { traceparent: '00-a-b-01', baggage: 'user=ada' },
        // As a client in Go writes them.
        { Traceparent: '00-c-d-01', Tracestate: 'v=1' },
        { baggage: 'x'.repeat(9000) },
        {},
      ]) {
        const plain = natsHeaders();
        for (const [name, value] of Object.entries(fields)) plain.set(name, value as string);
        nc.publish(subject, serialize('job'), { headers: plain });
      }
      await cluster.writer('jobs').end();
      const seen: unknown[] = [];
      await reader.forEach(() => seen.push(traces.getStore()));
      expect(seen).toEqual([
        { traceparent: '00-a-b-01', baggage: 'user=ada' },
        { traceparent: '00-c-d-01', tracestate: 'v=1' },
        undefined,
        undefined,
      ]);
    });

    it('of a message is there only if its writer has context: true', async () => {
      const reader = cluster.reader<string>('jobs');
      const seen: unknown[] = [];
      const parents: unknown[] = [];
      for (const context of [true, false]) {
        await using writer = cluster.writer<string>('jobs', { context });
        const put = () => calls.run('request 5 é', () => writer.put(String(context)));
        parents.push((await headersOf(`aiopipe.${cluster.name}.queue.jobs`, put))?.get('baggage'));
      }
      expect(parents).toEqual(['user=ada', '']);
      await cluster.writer('jobs').end();
      await reader.forEach((message) => seen.push([message, calls.getStore()]));
      expect(seen).toEqual([
        ['true', 'request 5 é'],
        ['false', undefined],
      ]);
    });
  });
});

// What docs/scale.md promises, each row with the failure that it is about.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster } from '@aiopipe/nats';
import { childPids, errorOf, leakCheck, NatsServer, natsServer, until } from '@aiopipe/testing';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type poison, type record, type waitFor } from './fixtures/targets.js';
import { TestMachine } from './machines.js';
import { Proxy } from './proxy.js';
import { messagesLeft } from './streams.js';

const check = leakCheck();
/** Milliseconds. */
const LEASE = 1500;
/** Milliseconds that the connection is cut: set it to 10000 for what docs/scale.md says of ten seconds. */
const CUT = Number(process.env['AIOPIPE_CUT'] ?? 2000);

const TASKS = Number(process.env['AIOPIPE_TASKS'] ?? 300);
const ROUNDS = Number(process.env['AIOPIPE_ROUNDS'] ?? 3);

/** Lets all through that wait, once it is opened. */
class Turnstile {
  open!: () => void;
  readonly passed = new Promise<void>((resolve) => {
    this.open = resolve;
  });
}

describe.skipIf(natsServer === undefined)('a cluster holds what it promises', () => {
  let server: NatsServer;
  let nc: NatsConnection;
  let cluster: Cluster;
  let folder: string;
  let machines: TestMachine[] = [];
  const connections: NatsConnection[] = [];
  const file = (name: string) => join(folder, name);
  const lines = (name: string) =>
    existsSync(file(name)) ? readFileSync(file(name), 'utf8').split('\n').slice(0, -1) : [];
  const connectTo = async (servers: string) => {
    const made = await connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
    connections.push(made);
    return made;
  };
  const start = async (name: string, env: Record<string, string> = {}) => {
    const machine = new TestMachine({ SERVER: server.url, CLUSTER: 'held', NAME: name, LEASE: String(LEASE), ...env });
    machines.push(machine);
    await machine.says('serves');
    return machine;
  };
  const nothingIsLeft = async () => {
    await until('nothing is left in the streams', async () => (await messagesLeft(nc)).length === 0).catch(
      () => undefined,
    );
    expect(await messagesLeft(nc)).toEqual([]);
  };

  beforeEach(async () => {
    server = await new NatsServer().start();
    nc = await connectTo(server.url);
    cluster = await Cluster.open(nc, { name: 'held', lease: LEASE });
    folder = mkdtempSync(join(tmpdir(), 'aiopipe-nats-log-'));
  });
  afterEach(async () => {
    await cluster[Symbol.asyncDispose]();
    await Promise.all(machines.map((machine) => machine.kill()));
    machines = [];
    for (const connection of connections.splice(0)) await connection.close();
    await server[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });
  afterAll(check);

  const waits = () => cluster.pool<typeof waitFor>('waitFor');

  it('a killed worker: its task is tried again', async () => {
    const machine = await start('m1');
    const result = waits().run(file('log'), file('go'));
    await until('it runs', () => lines('log').length === 1);
    for (const pid of childPids(machine.pid)) process.kill(pid, 'SIGKILL');
    await machine.says('task-retried');
    writeFileSync(file('go'), '');
    expect(await result).toBe(machine.pid);
    await nothingIsLeft();
  });

  it('a killed machine: another one runs its task after the lease', async () => {
    const first = await start('m1');
    const result = waits().run(file('log'), file('go'));
    await until('it runs', () => lines('log').length === 1);
    await first.kill();
    writeFileSync(file('go'), '');
    const second = await start('m2');
    expect(await result).toBe(second.pid);
    // At least once: the second one may stand still for longer than its short lease, too.
    const [run, ...runAgain] = lines('log');
    expect(run).toBe(String(first.pid));
    expect(new Set(runAgain)).toEqual(new Set([String(second.pid)]));
    await nothingIsLeft();
  });

  it('a killed machine, with retries 0: its task is not run again, and its caller is told', async () => {
    const first = await start('m1');
    const result = waits().with({ retries: 0 }).run(file('log'), file('go'));
    await until('it runs', () => lines('log').length === 1);
    await first.kill();
    writeFileSync(file('go'), '');
    await start('m2');
    expect(await errorOf(result)).toMatchObject({ code: 'ERR_AIOPIPE_NO_RESULT', machine: 'm2' });
    expect(lines('log').length).toBe(1);
    const letter = await cluster.deadLetters().get();
    expect(letter).toMatchObject({ target: 'waitFor', machine: 'm2', args: [file('log'), file('go')] });
  });

  it('a machine that is told to end: it finishes its tasks, and takes no more', async () => {
    const first = await start('m1');
    const result = waits().run(file('log'), file('go'));
    await until('it runs', () => lines('log').length === 1);
    const ended = first.end();
    const second = await start('m2');
    writeFileSync(file('go'), '');
    await ended;
    expect(await result).toBe(first.pid);
    expect(await waits().run(file('log'), file('go'))).toBe(second.pid);
    await nothingIsLeft();
  });

  it('a machine that is stopped for longer than its lease: its late result does not count twice', async () => {
    const first = await start('m1');
    const result = waits().run(file('log'), file('go'));
    await until('it runs', () => lines('log').length === 1);
    process.kill(first.pid, 'SIGSTOP');
    const second = await start('m2');
    await until('it runs again', () => lines('log').length === 2);
    writeFileSync(file('go'), '');
    expect(await result).toBe(second.pid);
    process.kill(first.pid, 'SIGCONT');
    // The late result is there before the machine has ended.
    await first.end();
    expect(lines('log')).toEqual([String(first.pid), String(second.pid)]);
    await nothingIsLeft();
  });

  it('a server that is killed and started again: nothing acknowledged is lost, and calls go on', async () => {
    const machine = await start('m1');
    const writer = cluster.writer<number>('jobs');
    for (let i = 0; i < 100; i++) await writer.put(i);
    const running = waits().run(file('log'), file('go'));
    await until('it runs', () => lines('log').length === 1);
    await server.kill();
    const meanwhile = writer.put(100);
    const task = cluster.pool<typeof record>('record').run(file('record'), 1, 0);
    await server.start();
    writeFileSync(file('go'), '');
    await meanwhile;
    await writer.end();
    expect(await running).toBe(machine.pid);
    expect(await task).toBe(1);
    const got: number[] = [];
    for await (const each of cluster.reader<number>('jobs')) got.push(each);
    expect(got).toEqual(Array.from({ length: 101 }, (_, i) => i));
  });

  it('a connection of the caller that is cut: calls wait, and go on', async () => {
    await using proxy = await new Proxy(server.port).start();
    const cutOff = await connectTo(proxy.url);
    await using mine = await Cluster.open(cutOff, { name: 'held', lease: LEASE });
    const machine = await start('m1');
    const timeout = 30_000;
    const running = mine.pool<typeof waitFor>('waitFor').with({ timeout }).run(file('log'), file('go'));
    await until('it runs', () => lines('log').length === 1);
    proxy.cut();
    writeFileSync(file('go'), '');
    const put = mine.writer<string>('jobs').put('meanwhile', { timeout });
    await new Promise((resolve) => setTimeout(resolve, CUT));
    proxy.join();
    expect(await running).toBe(machine.pid);
    await put;
    const reader = cluster.reader('jobs');
    expect(await reader.get({ timeout })).toBe('meanwhile');
    reader.close();
    await nothingIsLeft();
  });

  it('a cluster that is closed while its connection is cut: it closes all the same', async () => {
    await using proxy = await new Proxy(server.port).start();
    const cutOff = await connectTo(proxy.url);
    const mine = await Cluster.open(cutOff, { name: 'held', lease: LEASE });
    const reader = mine.reader('jobs');
    await reader.ready;
    proxy.cut();
    await mine[Symbol.asyncDispose]();
    expect(reader.isClosed).toBe(true);
  });

  it('a connection of a machine that is cut for longer than its lease: its task is settled once', async () => {
    await using proxy = await new Proxy(server.port).start();
    const cutOff = await start('m1', { SERVER: proxy.url });
    const pool = cluster.pool<typeof record>('record');
    const result = pool.run(file('record'), 7, LEASE / 2);
    await until('it runs', () => lines('record').length === 1);
    proxy.cut();
    await start('m2');
    expect(await result).toBe(7);
    proxy.join();
    await cutOff.end();
    await nothingIsLeft();
  });

  it('a slow reader: messages wait in the stream, and no other reader gets its message', async () => {
    const writer = cluster.writer<number>('jobs');
    for (let i = 0; i < 5; i++) await writer.put(i);
    const slow = cluster.reader<number>('jobs');
    const first = await slow.get();
    const other = cluster.reader<number>('jobs');
    const rest = [await other.get(), await other.get(), await other.get(), await other.get()];
    await new Promise((resolve) => setTimeout(resolve, LEASE * 1.5));
    expect(await errorOf(other.get({ timeout: 100 }))).toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
    slow.close();
    expect([first, ...rest]).toEqual([0, 1, 2, 3, 4]);
    await nothingIsLeft();
  });

  it('a full queue of tasks: the next one rejects with QueueFullError at once', async () => {
    await using small = await Cluster.open(nc, { name: 'small', queueLimit: 2, lease: LEASE });
    const pool = small.pool<typeof record>('record');
    const first = [pool.run('', 1, 0), pool.run('', 2, 0)];
    expect(await errorOf(pool.run('', 3, 0))).toMatchObject({ code: 'ERR_AIOPIPE_QUEUE_FULL' });
    void first;
  });

  it('a machine whose clock is an hour off: it runs tasks as others do', async () => {
    const shift = 'const { now } = Date; Date.now = () => now() + 3_600_000;';
    const machine = await start('m1', { NODE_OPTIONS: `--import="data:text/javascript,${encodeURIComponent(shift)}"` });
    writeFileSync(file('go'), '');
    expect(await waits().run(file('log'), file('go'))).toBe(machine.pid);
    await nothingIsLeft();
  });

  it('a poison task: it goes to the dead letters after its retries', async () => {
    const machine = await start('m1');
    const result = cluster.pool<typeof poison>('poison').with({ retries: 2 }).run(file('poison'));
    expect(await errorOf(result)).toMatchObject({ code: 'ERR_AIOPIPE_NO_RESULT', machine: 'm1' });
    expect(lines('poison').length).toBe(3);
    expect(await cluster.deadLetters().get()).toMatchObject({ target: 'poison', attempts: 3, args: [file('poison')] });
    await machine.says('task-dead');
  });

  it('machines that are killed at random: each task is settled once', async () => {
    const killing = Array.from({ length: 3 }, (_, number) => `k${String(number)}`);
    await Promise.all(killing.map((name) => start(name)));
    const settled = new Map<number, number>();
    const atMostOnce = { lost: 0, done: 0 };
    const pool = cluster.pool<typeof record>('record').with({ retries: 1000 });
    const once = pool.with({ retries: 0 });
    let next = 0;
    // Each round lets its share of the tasks begin, so that all rounds have tasks.
    let allowed = 0;
    let round = new Turnstile();
    const worker = async () => {
      while (next < TASKS) {
        if (next >= allowed) {
          await round.passed;
          continue;
        }
        const id = next++;
        if (id % 10 === 0) {
          await once.run(file('once'), id, 5).then(
            () => atMostOnce.done++,
            (error: unknown) => {
              expect(error).toMatchObject({ code: 'ERR_AIOPIPE_NO_RESULT' });
              atMostOnce.lost++;
            },
          );
        } else {
          const result = await pool.run(file('many'), id, 5);
          settled.set(result, (settled.get(result) ?? 0) + 1);
        }
      }
    };
    const work = Promise.all(Array.from({ length: 24 }, worker));
    for (let number = 1; number <= ROUNDS; number++) {
      allowed = Math.ceil((TASKS * number) / ROUNDS);
      round.open();
      round = new Turnstile();
      const victim = machines[Math.floor(Math.random() * machines.length)] as TestMachine;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 300));
      await victim.kill();
      machines.splice(machines.indexOf(victim), 1);
      await start(`r${String(number)}`);
    }
    await work;
    const many = Array.from({ length: TASKS }, (_, id) => id).filter((id) => id % 10 !== 0);
    expect([...settled.entries()].filter(([, times]) => times !== 1)).toEqual([]);
    expect(settled.size).toBe(many.length);
    // At least once: each has run. At most once: none has run twice, and each that is done has run.
    expect(new Set(lines('many')).size).toBe(many.length);
    expect(new Set(lines('once')).size).toBe(lines('once').length);
    expect(lines('once').length).toBeGreaterThanOrEqual(atMostOnce.done);
    expect(atMostOnce.done + atMostOnce.lost).toBe(TASKS - many.length);
    const letters = cluster.deadLetters();
    for (let letter = 0; letter < atMostOnce.lost; letter++) await letters.get({ timeout: 5000 });
    letters.close();
    await nothingIsLeft();
  }, 7_200_000);
});

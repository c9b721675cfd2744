import { channel as diagnostics } from 'node:diagnostics_channel';
import { snapshot, type ProcessSnapshot } from '@aiopipe/inspector';
import { channel } from '@aiopipe/codec';
import { Pool, startProcess, Supervisor } from '@aiopipe/process';
import { pipeline, popen } from '@aiopipe/subprocess';
import { collectGarbage, leakCheck, until } from '@aiopipe/testing';
import { afterAll, describe, expect, it, onTestFinished, test, vi } from 'vitest';
import { rest, work } from './fixtures/targets.js';

afterAll(leakCheck());

const processOf = (pid: number | undefined): ProcessSnapshot | undefined =>
  snapshot().processes.find((process) => process.pid === pid);

test('a snapshot is plain data, which JSON keeps as it is', () => {
  const taken = snapshot();
  const { program } = taken;
  expect(JSON.parse(JSON.stringify(taken))).toEqual(taken);
  expect(program).toMatchObject({ pid: process.pid, nodeVersion: process.version });
  expect(program.memory).toBeGreaterThan(10_000_000);
  expect(program.cpuTime).toBeGreaterThan(10);
  expect(Math.abs(taken.time - Date.now())).toBeLessThan(60_000);
});

test('the event loop of the program is undefined if the runtime counts nothing, as Deno does', () => {
  const counts = vi.spyOn(performance, 'eventLoopUtilization');
  onTestFinished(() => counts.mockRestore());
  counts.mockReturnValue({ active: 0, idle: 0, utilization: 0 });
  expect(snapshot().program.eventLoop).toBeUndefined();
  counts.mockReturnValue({ active: 1, idle: 2, utilization: 1 / 3 });
  expect(snapshot().program.eventLoop).toEqual({ busy: 1, idle: 2 });
});

test('a message that the inspector does not understand is a warning, and no end of the program', async () => {
  const warned = new Promise((resolve) => process.once('warning', resolve));
  diagnostics('aiopipe:pool.event').publish({});
  expect(await warned).toMatchObject({ code: 'AIOPIPE_INSPECTOR_FAILED' });
  expect(snapshot().program.pid).toBe(process.pid);
});

describe('processes', () => {
  it('are there while they run, with what they use', async () => {
    const program = popen(['sleep', '1000'], { stdin: 'ignore', stdout: 'ignore' });
    await until('it has its command', () => processOf(program.pid)?.command === 'sleep 1000');
    expect(processOf(program.pid)).toMatchObject({
      parent: process.pid,
      kind: 'program',
      name: 'sleep',
      state: 'running',
      cpuTime: expect.any(Number),
    });
    expect(processOf(program.pid)?.memory).toBeGreaterThan(100_000);
    program.kill('SIGSTOP');
    await until('it is stopped', () => processOf(program.pid)?.state === 'stopped');
    await program.stop({ grace: 0 });
    expect(processOf(program.pid)).toBeUndefined();
  });

  it('of children tell which function they call', async () => {
    const child = startProcess(rest, { name: 'sleeper' });
    expect(processOf(child.pid)).toMatchObject({ kind: 'child', name: 'sleeper', target: 'rest of targets.js' });
    await until('its function is called', () => processOf(child.pid)?.state === 'running');
    child.result.catch(() => undefined);
    await child.stop();
    expect(processOf(child.pid)).toBeUndefined();
  });

  it('below those are found, too, and stay when their parent has ended', async () => {
    const shell = popen(['sh', '-c', 'sleep 1000 & wait'], { stdin: 'ignore', stdout: 'ignore' });
    const below = () => snapshot().processes.find(({ parent, kind }) => parent === shell.pid && kind === 'other');
    await until('the inner process is there', () => below()?.name === 'sleep');
    const inner = below() as ProcessSnapshot;
    shell.kill('SIGKILL');
    await shell.wait();
    try {
      expect(processOf(inner.pid)).toMatchObject({ name: 'sleep', command: 'sleep 1000' });
    } finally {
      process.kill(inner.pid, 'SIGKILL');
    }
    await until('it is gone', () => processOf(inner.pid) === undefined);
  });
});

describe('supervisors', () => {
  it('are there with their children, nested ones in their outer one', async () => {
    const supervisor = new Supervisor([
      { id: 'web', target: rest },
      { id: 'mail', type: 'supervisor', children: [{ id: 'inbox', target: rest }] },
    ]);
    expect(snapshot().supervisors.map(({ children }) => children.map(({ state }) => state))).toEqual([
      ['stopped', 'stopped'],
    ]);
    await supervisor.start();
    const { supervisors } = snapshot();
    expect(supervisors).toHaveLength(1);
    expect(supervisors[0]?.children).toMatchObject([
      { id: 'web', type: 'worker', state: 'running', restarts: 0, lastEnd: undefined },
      { id: 'mail', type: 'supervisor', supervisor: { children: [{ id: 'inbox', state: 'running' }] } },
    ]);
    await supervisor.stop();
    expect(snapshot().supervisors).toEqual([]);
  });

  it('tell how often a child was restarted, and why', async () => {
    const supervisor = new Supervisor([{ id: 'web', target: rest }]);
    await supervisor.start();
    const child = () => snapshot().supervisors[0]?.children[0];
    process.kill(child()?.pid as number, 'SIGKILL');
    await until('it runs again', () => child()?.restarts === 1 && child()?.state === 'running');
    expect(child()?.lastEnd).toMatchObject({ what: 'was killed by SIGKILL', next: 'will be restarted at once' });
    await supervisor.stop();
  });

  it('that were dropped are no longer there', async () => {
    (() => new Supervisor([{ id: 'web', target: rest }]))();
    await collectGarbage();
    await until('it is collected', async () => {
      await collectGarbage();
      return snapshot().supervisors.length === 0;
    });
  });
});

test('a pool is there with its counts, and with what its workers do', async () => {
  const pool = new Pool(work, { size: 2 });
  await Promise.all([pool.run(true), pool.run(true), pool.run(true)]);
  const enough = new AbortController();
  const running = [1, 2, 3].map(() => pool.with({ signal: enough.signal }).run(false));
  const outcome = Promise.allSettled(running);
  await until('two tasks run', () => snapshot().pools[0]?.running === 2);
  const [taken] = snapshot().pools;
  expect(taken).toMatchObject({ title: 'the pool of work', queued: 1, completed: 3, failed: 0 });
  expect(taken?.workers).toMatchObject([
    { state: 'busy', task: { target: 'work' } },
    { state: 'busy', task: { target: 'work' } },
  ]);
  for (const { pid } of taken?.workers ?? []) expect(processOf(pid)).toBeDefined();
  enough.abort();
  await outcome;
  await pool.close();
  expect(snapshot().pools).toEqual([]);
});

describe('channels', () => {
  it('are there with their messages and bytes, and with what waits, until they are closed', async () => {
    const [reader, writer] = channel<string>();
    const waiting = reader.get();
    expect(snapshot().channels).toMatchObject([
      { name: expect.stringContaining('channel reader made at'), getsWaiting: 1 },
      { name: expect.stringContaining('channel writer made at'), messagesSent: 0 },
    ]);
    await writer.put('a message');
    await waiting;
    const [received, sent] = snapshot().channels;
    expect(sent).toMatchObject({ messagesSent: 1, bytesWaiting: 0 });
    expect(received).toMatchObject({ messagesReceived: 1, bytesReceived: sent?.bytesSent, getsWaiting: 0 });
    expect(sent?.bytesSent).toBeGreaterThan('a message'.length);
    const large = writer.put('x'.repeat(10_000_000));
    expect(snapshot().channels[1]?.bytesWaiting).toBeGreaterThan(1_000_000);
    expect((await reader.get()).length).toBe(10_000_000);
    await large;
    await writer.close();
    expect(snapshot().channels).toHaveLength(1);
    reader.close();
    expect(snapshot().channels).toEqual([]);
  });

  it('that were dropped are no longer there', async () => {
    const warned = new Promise((resolve) => process.once('warning', resolve));
    (() => channel())();
    expect(snapshot().channels).toHaveLength(2);
    await until('they are collected', async () => {
      await collectGarbage();
      return snapshot().channels.length === 0;
    });
    await warned;
  });

  it('that carry the messages of children are not listed', async () => {
    const child = startProcess(work, { args: [true] });
    expect(snapshot().channels).toEqual([]);
    await child.result;
  });
});

test('a chain is there while it runs, with the bytes that went through each stage', async () => {
  const enough = new AbortController();
  const upper = async function* upper(input: AsyncIterable<Buffer>) {
    for await (const chunk of input) yield chunk;
  };
  const running = pipeline(['sh', '-c', 'head -c 50000 /dev/zero; exec sleep 1000'], upper, ['cat']).run({
    output: 'ignore',
    signal: enough.signal,
  });
  const ended = running.catch(() => undefined);
  const stages = () => snapshot().chains[0]?.stages ?? [];
  await until('the bytes went through', () => stages()[2]?.bytesWritten === 50_000);
  expect(snapshot().chains).toMatchObject([{ command: expect.stringContaining('head -c 50000 /dev/zero') }]);
  expect(stages()).toMatchObject([
    { name: 'sh', end: undefined, pid: expect.any(Number) },
    { name: 'upper', pid: undefined },
    { name: 'cat', end: undefined },
  ]);
  expect(processOf(stages()[2]?.pid)).toMatchObject({ kind: 'program', name: 'cat' });
  enough.abort();
  await ended;
  expect(snapshot().chains).toEqual([]);
});

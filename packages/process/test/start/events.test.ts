import { type ProcessExitMessage, type ProcessStart } from '@aiopipe/core';
import { Pool, Prefork, startProcess } from '@aiopipe/process';
import { errorOf, leakCheck, observe, observeTraced } from '@aiopipe/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { echo } from '../fixtures/echoes.js';
import { askOthers, request, tell, tellEvents, tellOften } from '../fixtures/tells-its-context.js';

afterAll(leakCheck());

const STARTED = ['start', 'end', 'asyncStart', 'asyncEnd'];

describe('aiopipe:process.start and aiopipe:process.exit', () => {
  test('tell of a child until its function is called, and of its exit', async () => {
    using starts = observeTraced<ProcessStart>('aiopipe:process.start');
    using exits = observe<ProcessExitMessage>(['aiopipe:process.exit']);
    const child = startProcess(echo, { args: ['x'], name: 'parrot' });
    const { pid } = child;
    expect(starts.events()).toEqual(['start', 'end']);
    await child.result;
    await child.join();
    expect(starts.events()).toEqual(STARTED);
    const { message } = starts.published[0] ?? {};
    expect(message).toMatchObject({ kind: 'child', name: 'parrot', target: { name: 'echo' }, isPreforked: false });
    expect(message?.process).toMatchObject({ pid, kind: 'child', name: 'parrot' });
    expect(exits.published).toHaveLength(1);
    expect(exits.published[0]?.message).toMatchObject({ exitCode: 0, signalCode: null });
    expect(exits.published[0]?.message.process).toBe(message?.process);
  });

  test('tell of a child of a prefork: when it boots, and when it is taken', async () => {
    using starts = observeTraced<ProcessStart>('aiopipe:process.start');
    using exits = observe<ProcessExitMessage>(['aiopipe:process.exit']);
    const prefork = new Prefork({ size: 1 });
    await prefork.ready();
    const [boot] = starts.published;
    expect(boot?.message).toMatchObject({ kind: 'prefork', process: { kind: 'prefork' } });
    const child = startProcess(echo, { args: ['x'], prefork, name: 'parrot' });
    await child.join();
    await prefork.close();
    const taken = starts.published.find(({ message }) => message.kind === 'child')?.message;
    expect(taken).toMatchObject({ name: 'parrot', isPreforked: true });
    expect(taken?.process).toBe(boot?.message.process);
    const own = exits.published.find(({ message }) => message.process === taken?.process)?.message;
    expect(own).toMatchObject({ exitCode: 0, process: { kind: 'child', name: 'parrot' } });
  });

  test('tell why a child’s function was never called', async () => {
    using starts = observeTraced<ProcessStart>('aiopipe:process.start');
    const nowhere = new URL('./no-such-module.js', import.meta.url);
    const missing = await errorOf(startProcess(nowhere, { export: 'x' }).result);
    expect(starts.events()).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
    expect(starts.published[2]?.message.error).toBe(missing);
    const refused = await errorOf(startProcess(echo, { args: ['x'], cwd: '/no/such/directory' }).result);
    expect(starts.events().slice(5)).toEqual(['start', 'error', 'asyncStart', 'asyncEnd', 'end']);
    expect(starts.published[6]?.message.error).toBe(refused);
  });

  test('tell of arguments that cannot be sent as of a call that threw', () => {
    using starts = observeTraced<ProcessStart>('aiopipe:process.start');
    expect(() => startProcess(echo, { args: [() => undefined] as never })).toThrow(
      /args\[0\]: a function cannot be sent/,
    );
    expect(starts.events()).toEqual(['start', 'error', 'end']);
  });
});

describe('in a child', () => {
  test('aiopipe:child.run tells of its function', async () => {
    const { runs } = await startProcess(tellEvents, { name: 'teller' }).result;
    const target = { url: tellEvents.url, name: 'tellEvents' };
    expect(runs).toEqual([['start', 'teller', target, undefined]]);
  });

  test('aiopipe:worker.task tells of each task', async () => {
    await using pool = new Pool(tellEvents, { size: 1 });
    await errorOf(pool.run(true));
    const { tasks } = await pool.run();
    const facts = [undefined, 'tellEvents', 'run'];
    const before = ['start', 'end', 'error', 'asyncStart', 'asyncEnd'].map((event) => [event, ...facts]);
    expect(tasks).toEqual([...before, ['start', ...facts]]);
  });
});

describe('the context of a call', () => {
  test('is there in a child, in its children and programs, and not in other calls', async () => {
    expect(await startProcess(tell).result).toEqual([undefined, 'undefined']);
    expect(await request.run('7', () => startProcess(tell).result)).toEqual(['7', '7']);
    const asked = await request.run('8', () => startProcess(askOthers).result);
    expect(asked).toEqual([['8', '8!'], '8']);
  });

  test('is there in a child that had booted before', async () => {
    await using prefork = new Prefork({ size: 1, preload: [tell] });
    await prefork.ready();
    expect(await request.run('7', () => startProcess(tell, { prefork }).result)).toEqual(['7', '7']);
  });

  test('is there in a task and a stream of a pool, also if it waits, and in no later one', async () => {
    await using pool = new Pool(tell, { size: 1 });
    const ids = ['1', '2', '3', undefined, '4', undefined];
    const called = ids.map((id) => (id === undefined ? pool.run() : request.run(id, () => pool.run())));
    expect(await Promise.all(called)).toEqual(ids.map((id) => [id, String(id)]));
    const items: unknown[] = [];
    await request.run('5', async () => {
      for await (const item of pool.of(tellOften).stream()) items.push(item);
    });
    for await (const item of pool.of(tellOften).stream()) items.push(item);
    expect(items).toEqual(['5', '5', undefined, undefined]);
  });
});

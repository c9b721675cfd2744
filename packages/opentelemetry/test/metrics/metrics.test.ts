import { join } from 'node:path';
import { channel } from '@aiopipe/codec';
import { Pool, startProcess, Supervisor } from '@aiopipe/process';
import { popen } from '@aiopipe/subprocess';
import { collectGarbage } from '@aiopipe/testing';
import { expect, test } from 'vitest';
import { double, fail, killSome, wait } from '../fixtures/does-tasks.js';
import { collectMetrics, type Point } from '../fixtures/sdk.js';
import { inDirectory, instrumented } from '../helpers.js';

instrumented();

/** The points of a metric whose attributes have these, among others. */
async function pointsOf(metric: string, attributes: Point['attributes'] = {}): Promise<Point[]> {
  const points = (await collectMetrics()).filter(({ name }) => name === metric);
  return points.filter((point) =>
    Object.entries(attributes).every(([name, value]) => point.attributes[name] === value),
  );
}

test('the length of a queue is that of the tasks that wait', async () => {
  await using pool = new Pool(wait, { size: 1, cancelGrace: 0 });
  const controller = new AbortController();
  const calls = pool.with({ signal: controller.signal });
  const results = Promise.allSettled([calls.run(), calls.run(), calls.run()]);
  const [point] = await pointsOf('aiopipe.pool.queue.length', { 'aiopipe.pool': 'the pool of wait' });
  expect(point).toMatchObject({ unit: '{task}', value: pool.stats.queued });
  expect(pool.stats.queued).toBeGreaterThan(0);
  controller.abort();
  await results;
  await pool.close();
  const [after] = await pointsOf('aiopipe.pool.queue.length', { 'aiopipe.pool': 'the pool of wait' });
  expect(after).toMatchObject({ value: 0 });
});

test('tasks are counted by how long they wait and run, in seconds', async () => {
  await using pool = new Pool(double, { size: 1 });
  await Promise.all([pool.run(1), pool.run(2), pool.run(3)]);
  const attributes = { 'aiopipe.pool': 'the pool of double', 'messaging.destination.name': 'double' };
  for (const name of ['aiopipe.pool.task.wait.duration', 'aiopipe.pool.task.run.duration']) {
    const [point] = await pointsOf(name, attributes);
    expect(point).toMatchObject({ unit: 's', attributes });
    expect(point).toHaveProperty('value.count', 3);
  }
});

test('a task that fails has its error in its run time', async () => {
  await using pool = new Pool(fail, { size: 1 });
  await expect(pool.run()).rejects.toThrow();
  const [point] = await pointsOf('aiopipe.pool.task.run.duration', { 'messaging.destination.name': 'fail' });
  expect(point?.attributes).toMatchObject({ 'error.type': 'RangeError' });
});

test('workers that died are counted as restarts', async () => {
  await inDirectory(async (directory) => {
    await using pool = new Pool(killSome, { size: 1, retries: 2 });
    await pool.run(join(directory, 'kill'), 2);
    const [point] = await pointsOf('aiopipe.pool.restarts', { 'aiopipe.pool': 'the pool of killSome' });
    expect(point).toMatchObject({ value: 2, attributes: { 'aiopipe.worker.end_reason': 'died' } });
  });
});

test('children that a supervisor has started again are counted as restarts', async () => {
  await inDirectory(async (directory) => {
    await using supervisor = new Supervisor([
      { id: 'fragile', target: killSome, restart: 'transient', args: [join(directory, 'kill'), 1] },
    ]);
    await supervisor.start();
    for await (const event of supervisor.events()) {
      if (event.type === 'exited' && event.error === undefined) break;
    }
    const [point] = await pointsOf('aiopipe.supervisor.restarts');
    expect(point).toMatchObject({ value: 1, attributes: { 'aiopipe.supervisor.child': 'fragile' } });
  });
});

test('the processor time and the peak memory of a process are recorded when it exits', async () => {
  const program = popen(['sh', '-c', 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done']);
  const { resourceUsage } = await program.wait();
  await startProcess(double, { args: [1] }).join();
  const attributes = { 'process.executable.name': 'sh', 'aiopipe.process.kind': 'program' };
  const [user] = await pointsOf('aiopipe.process.cpu.time', { ...attributes, 'cpu.mode': 'user' });
  expect(user).toMatchObject({ unit: 's', value: { count: 1, sum: resourceUsage.userCPUTime / 1e6 } });
  const [memory] = await pointsOf('aiopipe.process.memory.peak', attributes);
  expect(memory).toMatchObject({ unit: 'By', value: { count: 1, sum: resourceUsage.maxRSS * 1024 } });
  const [child] = await pointsOf('aiopipe.process.memory.peak', { 'aiopipe.process.kind': 'child' });
  expect(child?.attributes).toEqual({ 'aiopipe.process.kind': 'child' });
});

/** The sums of all channels. */
async function traffic() {
  const value = async (name: string, direction: string) =>
    (await pointsOf(name, { 'network.io.direction': direction }))[0]?.value as number | undefined;
  return {
    sent: (await value('aiopipe.channel.messages', 'transmit')) ?? 0,
    received: (await value('aiopipe.channel.messages', 'receive')) ?? 0,
    bytesSent: (await value('aiopipe.channel.io', 'transmit')) ?? 0,
    bytesReceived: (await value('aiopipe.channel.io', 'receive')) ?? 0,
  };
}

test('messages and bytes of channels add up, also of those that are closed or were dropped', async () => {
  const before = await traffic();
  const send = async () => {
    const [reader, writer] = channel<number>();
    await writer.put(1);
    await writer.put(2);
    expect([await reader.get(), await reader.get()]).toEqual([1, 2]);
    return { reader, writer };
  };
  const { reader, writer } = await send();
  const open = await traffic();
  expect(open).toMatchObject({ sent: before.sent + 2, received: before.received + 2 });
  expect(open.bytesSent - before.bytesSent).toBe(open.bytesReceived - before.bytesReceived);
  expect(open.bytesSent).toBeGreaterThan(before.bytesSent);
  writer.close();
  reader.close();
  expect(await traffic()).toEqual(open);
  await send();
  const dropped = await traffic();
  await collectGarbage();
  expect(await traffic()).toEqual(dropped);
});

import { join } from 'node:path';
import { Pool } from '@aiopipe/process';
import { type Attributes } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import { double, fail, items, killSome, wait } from '../fixtures/does-tasks.js';
import { failureOf, inDirectory, instrumented, spanOf, spans } from '../helpers.js';

instrumented();

test('a task has its pool, priority, key and worker', async () => {
  await using pool = new Pool(double, { size: 1 });
  await pool.with({ priority: 2, key: 'ada' }).run(1);
  const [{ name } = { name: '' }] = pool.workers;
  expect((await spanOf('run double')).attributes).toMatchObject({
    'aiopipe.pool': 'the pool of double',
    'aiopipe.task.priority': 2,
    'aiopipe.task.key': 'ada',
    'aiopipe.worker': name,
  });
});

test('the span of a task tells when a worker came to it', async () => {
  await using pool = new Pool(double, { size: 1 });
  await pool.run(1);
  const span = await spanOf('run double');
  expect(span.events.map(({ name }) => name)).toEqual(['aiopipe.task.started']);
});

test('a task that throws has the exception', async () => {
  await using pool = new Pool(fail, { size: 1 });
  await expect(pool.run()).rejects.toThrow('too wide');
  const failure = failureOf(await spanOf('run fail'));
  expect(failure).toMatchObject({ isError: true, type: 'RangeError', exceptions: ['too wide'] });
});

test('a task that is cancelled has that as its error', async () => {
  await using pool = new Pool(wait, { size: 1, cancelGrace: 0 });
  const controller = new AbortController();
  const result = pool.with({ signal: controller.signal }).run();
  controller.abort();
  await expect(result).rejects.toMatchObject({ code: 'ABORT_ERR' });
  expect(failureOf(await spanOf('run wait'))).toMatchObject({ isError: true });
});

test('a stream has one span', async () => {
  await using pool = new Pool(items, { size: 1 });
  const seen: number[] = [];
  for await (const item of pool.stream(3)) seen.push(item);
  expect(seen).toEqual([0, 1, 2]);
  expect((await spanOf('stream items')).attributes).toMatchObject({ 'messaging.operation.name': 'stream' });
  expect(spans().filter(({ name }) => name === 'stream items')).toHaveLength(1);
});

test('a task that is retried has a span for each attempt, which links to the one before', async () => {
  await inDirectory(async (directory) => {
    await using pool = new Pool(killSome, { size: 1, retries: 3 });
    expect(await pool.run(join(directory, 'attempt'), 2)).toBe('done');
    const task = await spanOf('run killSome');
    const attempts = spans().filter(({ name }) => name.startsWith('attempt '));
    expect(attempts.map(({ name }) => name)).toEqual(['attempt 1', 'attempt 2', 'attempt 3']);
    expect(attempts.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual(
      attempts.map(() => task.spanContext().spanId),
    );
    const ids = attempts.map((span) => span.spanContext().spanId);
    expect(attempts.map(({ links }) => links.map(({ context }) => context.spanId))).toEqual([[], [ids[0]], [ids[1]]]);
    expect(attempts.map((span) => failureOf(span).isError)).toEqual([true, true, false]);
    const pids = attempts.map(({ attributes }: { attributes: Attributes }) => attributes['process.pid']);
    expect(new Set(pids).size).toBe(3);
  });
});

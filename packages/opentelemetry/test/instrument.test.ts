import { instrument } from '@aiopipe/opentelemetry';
import { channel } from '@aiopipe/codec';
import { Pool } from '@aiopipe/process';
import { popen } from '@aiopipe/subprocess';
import { leakCheck } from '@aiopipe/testing';
import { diag, DiagLogLevel, metrics, trace } from '@opentelemetry/api';
import { afterAll, afterEach, expect, test } from 'vitest';
import { double } from './fixtures/does-tasks.js';

afterAll(leakCheck());

const made: Disposable[] = [];

afterEach(() => {
  for (const one of made.splice(0)) one[Symbol.dispose]();
});

function instrumented(): Disposable {
  const one = instrument();
  made.push(one);
  return one;
}

/** The spans and the TRACEPARENT of a program that is started now. */
async function observed(): Promise<{ names: string[]; hasContext: boolean }> {
  const { exporter } = await import('./fixtures/sdk.js');
  exporter.reset();
  const program = popen(['printenv', 'TRACEPARENT'], { stdout: 'pipe' });
  await using stdout = program.stdout.open();
  const hasContext = (await stdout.read()).length > 0;
  await program.wait();
  return { names: exporter.getFinishedSpans().map(({ name }) => name), hasContext };
}

test('without an SDK nothing is recorded, and nothing fails', async () => {
  instrumented();
  await using pool = new Pool(double, { size: 1 });
  expect(await pool.run(21)).toBe(42);
  await popen(['true']).wait();
});

test('an SDK that is started later gets the spans, and the metrics of pools that are there already', async () => {
  instrumented();
  await using pool = new Pool(double, { size: 1 });
  await pool.run(1);
  const { collectMetrics, exporter } = await import('./fixtures/sdk.js');
  await pool.run(2);
  expect(exporter.getFinishedSpans().map(({ name }) => name)).toContain('run double');
  const names = (await collectMetrics()).map(({ name }) => name);
  expect(names).toContain('aiopipe.pool.queue.length');
  expect(names).toContain('aiopipe.pool.task.run.duration');
});

test('each span comes once, however often it is called', async () => {
  instrumented();
  instrumented();
  expect(await observed()).toEqual({ names: ['printenv'], hasContext: true });
});

test('it ends when what all calls have returned is disposed of', async () => {
  const first = instrumented();
  const second = instrumented();
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  expect(await observed()).toEqual({ names: ['printenv'], hasContext: true });
  second[Symbol.dispose]();
  expect(await observed()).toEqual({ names: [], hasContext: false });
});

test('once it has ended, open channels are not looked at any more', async () => {
  const { collectMetrics } = await import('./fixtures/sdk.js');
  const received = async () =>
    (await collectMetrics()).find(
      ({ name, attributes }) => name === 'aiopipe.channel.messages' && attributes['network.io.direction'] === 'receive',
    )?.value as number;
  const instrumentation = instrumented();
  const [reader, writer] = channel<number>();
  using _ = reader;
  using __ = writer;
  const send = async () => {
    await writer.put(1);
    await reader.get();
  };
  await send();
  const before = await received();
  await send();
  expect(await received()).toBe(before + 1);
  instrumentation[Symbol.dispose]();
  await send();
  expect(await received()).toBe(before + 1);
});

test('it can be called again after that, for an SDK that was started anew', async () => {
  instrumented()[Symbol.dispose]();
  const { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } =
    await import('@opentelemetry/sdk-trace-node');
  instrumented();
  trace.disable();
  metrics.disable();
  const exporter = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  trace.setGlobalTracerProvider(provider);
  await popen(['true']).wait();
  expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['true']);
  await provider.shutdown();
});

test('a span processor that throws fails no call: the diagnostics logger is told', async () => {
  const { NodeTracerProvider } = await import('@opentelemetry/sdk-trace-node');
  instrumented();
  const told: unknown[] = [];
  const note = (_message: string, error: unknown) => void told.push(error);
  const silent = () => undefined;
  diag.setLogger({ error: note, warn: silent, info: silent, debug: silent, verbose: silent }, DiagLogLevel.ERROR);
  const fault = new Error('of the processor');
  const fail = () => {
    throw fault;
  };
  const done = () => Promise.resolve();
  const provider = new NodeTracerProvider({
    spanProcessors: [{ onStart: silent, onEnd: fail, forceFlush: done, shutdown: done }],
  });
  trace.disable();
  trace.setGlobalTracerProvider(provider);
  expect((await popen(['true']).wait()).exitCode).toBe(0);
  expect(told).toEqual([fault]);
  diag.disable();
  await provider.shutdown();
});

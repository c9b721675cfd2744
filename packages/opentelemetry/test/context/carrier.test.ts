import { channel, ChannelReader, ChannelWriter } from '@aiopipe/codec';
import { aiopipe } from '@aiopipe/core';
import { popen } from '@aiopipe/subprocess';
import { noteWarnings } from '@aiopipe/testing';
import { context, propagation, ROOT_CONTEXT, trace, type Context, type TextMapPropagator } from '@opentelemetry/api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { instrumented } from '../helpers.js';

instrumented();

const warnings = noteWarnings({ beforeEach, afterEach });
const tracer = trace.getTracer('app');

async function outputOf(argv: readonly string[], env?: NodeJS.ProcessEnv): Promise<string> {
  const program = popen(argv, { stdout: 'pipe', ...(env && { env }) });
  await using stdout = program.stdout.open();
  const output = String(await stdout.read());
  await program.wait();
  return output;
}

test('a message of a channel with `context: true` takes the trace along', async () => {
  using pair = channel<number>({ context: true });
  const [reader, writer] = pair;
  await tracer.startActiveSpan('sender', async (span) => {
    await writer.put(1);
    span.end();
    writer.close();
    const seen: (string | undefined)[] = [];
    await context.with(ROOT_CONTEXT, () =>
      reader.forEach(() => seen.push(trace.getActiveSpan()?.spanContext().spanId)),
    );
    expect(seen).toEqual([span.spanContext().spanId]);
  });
});

test('a program without an active span gets the context of its own span', async () => {
  expect(await outputOf(['printenv', 'TRACEPARENT'])).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01\n$/);
});

test('a variable that the caller has set stays', async () => {
  expect(await outputOf(['printenv', 'TRACEPARENT'], { ...process.env, TRACEPARENT: 'mine' })).toBe('mine\n');
});

test.each(['', '{', '7', 'null', '[1]', '{"traceparent":1}', '{"traceparent":"x"}'])(
  'what a peer sends as its context is ignored if it is none: %s',
  async (carried) => {
    const [rx, tx] = aiopipe();
    using reader = ChannelReader.from<string>(rx, { context: true });
    // As a hostile peer would: the envelope by hand.
    using writer = ChannelWriter.from<unknown>(tx);
    await writer.put(['hello', { opentelemetry: carried }]);
    writer.close();
    const seen: unknown[] = [];
    await reader.forEach((message) => seen.push(message, trace.getActiveSpan()));
    expect(seen).toEqual(['hello', undefined]);
    expect(warnings).toEqual([]);
  },
);

/** Writes one field with a name that is no variable's. */
const propagator: TextMapPropagator = {
  inject: (_context: Context, carrier, setter) => {
    setter.set(carrier, 'x-b3.trace-id', 'abc');
  },
  extract: (given: Context) => given,
  fields: () => ['x-b3.trace-id'],
};

test("the fields of another propagator become variables by the specification's rule", async () => {
  propagation.disable();
  propagation.setGlobalPropagator(propagator);
  expect(await outputOf(['printenv', 'X_B3_TRACE_ID'])).toBe('abc\n');
});

import { pipeline, type StageInput } from '@aiopipe/subprocess';
import { trace } from '@opentelemetry/api';
import { type ReadableSpan } from '@opentelemetry/sdk-trace-node';
import { expect, test } from 'vitest';
import { failureOf, instrumented, spanOf, spans } from '../helpers.js';

instrumented();

async function* upper(input: StageInput) {
  trace.getTracer('app').startSpan('in a stage').end();
  for await (const line of input.lines()) yield `${line.toUpperCase()}\n`;
}

test('a function of a chain runs within the span of the chain', async () => {
  await pipeline(['echo', 'a'], upper, ['cat']).run();
  const chain = await spanOf('echo | upper | cat');
  const inner = await spanOf('in a stage');
  expect(inner.parentSpanContext?.spanId).toBe(chain.spanContext().spanId);
});

test('the name and the attributes have no arguments of the programs', async () => {
  await pipeline(['echo', 'secret'], ['cat', '-']).run();
  const { attributes } = await spanOf('echo | cat');
  expect(JSON.stringify([attributes, (await spanOf('echo')).attributes])).not.toContain('secret');
});

test('a chain that fails has the exception', async () => {
  await expect(pipeline(['sh', '-c', 'exit 3'], ['cat']).run()).rejects.toThrow();
  expect(failureOf(await spanOf('sh | cat'))).toMatchObject({ isError: true, type: 'ERR_AIOPIPE_PIPELINE' });
});

test('a chain whose program is missing has the exception', async () => {
  await expect(pipeline(['echo'], ['/no/such/program']).run()).rejects.toThrow();
  const chain = spans().find(({ attributes }) => 'aiopipe.pipeline.stages' in attributes) as ReadableSpan;
  expect(failureOf(chain)).toMatchObject({ isError: true });
});

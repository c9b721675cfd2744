// The programs of docs/observability.md. They are tested here, because they import pino and OpenTelemetry.
import { readmeExamples, runExample } from '@aiopipe/testing';
import { expect, test } from 'vitest';

const examples = readmeExamples('../docs/observability.md');

test('the document has examples', () => {
  expect(examples).toHaveLength(4);
});

test.each(examples)('the example at line $line of the document prints what it says', async (example) => {
  const outcome = await runExample(example, 'observability');
  expect(outcome).toEqual({ stdout: example.output ?? '', stderr: '' });
});

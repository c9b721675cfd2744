import { readmeExamples, runExample } from '@aiopipe/testing';
import { expect, test } from 'vitest';

const examples = readmeExamples('README.md');

test('the README has examples', () => {
  expect(examples.length).toBeGreaterThan(0);
});

test.each(examples)('the example at line $line of the README prints what the README says', async (example) => {
  expect(await runExample(example)).toEqual({ stdout: example.output, stderr: '' });
});

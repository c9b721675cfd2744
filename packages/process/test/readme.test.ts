import { readmeExamples, runExample } from '@aiopipe/testing';
import { describe, expect, test } from 'vitest';

describe.each(['README.md', '../../README.md'])('%s', (path) => {
  const examples = readmeExamples(path);

  test('has examples', () => {
    expect(examples.length).toBeGreaterThan(2);
  });

  test.each(examples)('the example at line $line prints what it says', async (example) => {
    expect(await runExample(example)).toEqual({ stdout: example.output, stderr: '' });
  });
});

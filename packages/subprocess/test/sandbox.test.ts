import { spawnSync } from 'node:child_process';
import { readmeExamples, runExample } from '@aiopipe/testing';
import { describe, expect, test } from 'vitest';

const examples = readmeExamples('../../docs/sandbox.md');
const ofBubblewrap = examples.filter(({ code }) => code.includes('bwrap'));
const others = examples.filter(({ code }) => !code.includes('bwrap'));

/** A container may forbid namespaces. */
const hasBubblewrap =
  spawnSync('bwrap', ['--unshare-all', '--ro-bind', '/', '/', '--proc', '/proc', 'true'], { stdio: 'ignore' })
    .status === 0;

describe('docs/sandbox.md', () => {
  test('has a recipe for Node and one for bubblewrap', () => {
    expect([others.length, ofBubblewrap.length]).toEqual([1, 1]);
  });

  test.each(others)('the example at line $line prints what the page says', async (example) => {
    expect(await runExample(example, 'sandbox')).toEqual({ stdout: example.output, stderr: '' });
  });

  test.skipIf(!hasBubblewrap).each(ofBubblewrap)('the sandbox at line $line holds', async (example) => {
    expect(await runExample(example, 'sandbox')).toEqual({ stdout: example.output, stderr: '' });
  });
});

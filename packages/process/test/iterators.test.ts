// The async iterators of all packages.
import { leakCheck, runFixture } from '@aiopipe/testing';
import { afterAll, expect, test } from 'vitest';

afterAll(leakCheck());

test.each([
  ['chunks of a reader', 'ClosedError'],
  ['lines of a reader', 'ClosedError'],
  ['throw() of lines', 'RangeError'],
  ['messages of a channel', 'ClosedError'],
  ['messages of merged channels', 'ClosedError'],
  ['a second message of merged channels', 'BusyError'],
  ['a result of map()', 'RangeError'],
  ['the first of two results of map()', 'RangeError'],
  ['the end of map()', 'RangeError'],
  ['an item of stream()', 'RangeError'],
  ['an item of a closed pool', 'ClosedError'],
  ['an event of a supervisor', 'AbortError'],
  ['lines of a chain', 'PipelineError'],
  ['bytes of a chain', 'PipelineError'],
])('%s: a promise of an iterator that nothing awaits does not end the program when it rejects', async (way, name) => {
  const { code, stdout, stderr } = await runFixture('forgets-what-it-asked', { args: [way] });
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: name, stderr: '' });
});

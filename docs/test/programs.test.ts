// Each block of TypeScript in the pages is a whole program. The types of all are checked, and those without a mark are run.
import { runExample } from '@aiopipe/testing';
import { describe, expect, test } from 'vitest';
import { checkTypes, nameOf } from './check-types.js';
import { pages, programs } from './pages.js';

test('all programs of the pages have the right types', { timeout: 120_000 }, () => {
  const placed = programs.map(({ page, ...program }) => ({ ...program, file: page }));
  expect(checkTypes('pages', placed)).toEqual({ status: 0, stdout: '' });
});

describe.each(pages.filter((name) => programs.some(({ page, notRun }) => page === name && notRun === undefined)))(
  '%s',
  (name) => {
    const own = programs.filter(({ page, notRun }) => page === name && notRun === undefined);

    test.each(own)('the program at line $line prints what it says', { timeout: 60_000 }, async (program) => {
      const { stdout, stderr } = await runExample(program, nameOf(name, 0));
      expect(stderr).toBe('');
      if (program.output !== undefined) expect(stdout).toBe(program.output);
    });
  },
);

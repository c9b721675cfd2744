// Each block of TypeScript in the pages is a whole program. The types of all are checked, and those without a mark are run.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { runExample } from '@aiopipe/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { docs, pages, programs } from './pages.js';

const checked = join(docs, '.fixtures', 'checked');
const nameOf = (page: string, line: number) => `${page.replace(/\W/g, '-')}-${String(line)}`;

afterAll(() => {
  rmSync(checked, { recursive: true, force: true });
});

test('all programs of the pages have the right types', { timeout: 120_000 }, () => {
  mkdirSync(checked, { recursive: true });
  for (const { page, line, code } of programs) {
    // So that an error's line is that of the page.
    const file = `${'\n'.repeat(line - 1)}${code}`;
    writeFileSync(join(checked, `${nameOf(page, line)}.ts`), file);
  }
  const config = {
    extends: '../../../tsconfig.base.json',
    compilerOptions: {
      customConditions: [],
      moduleDetection: 'force',
      noEmit: true,
      declaration: false,
      declarationMap: false,
      noUnusedLocals: false,
    },
    include: ['*.ts'],
  };
  writeFileSync(join(checked, 'tsconfig.json'), JSON.stringify(config));
  const tsc = createRequire(import.meta.url)
    .resolve('typescript-7/package.json')
    .replace('package.json', 'bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', checked], { encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
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

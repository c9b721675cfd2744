// The programs in Python that stand beside ours. Their text block is their output, too.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { docs, pages } from './pages.js';

const folder = join(docs, '.fixtures', 'python');
const hasPython = spawnSync('python3', ['--version']).status === 0;

const programs = pages.flatMap((page) =>
  [...readFileSync(join(docs, page), 'utf8').matchAll(/^```python\n(.*?)^```\n\s*```text\n(.*?)^```$/gms)].map(
    ([, code = '', output = ''], index) => ({ page, index, code, output }),
  ),
);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('pages have programs in Python', () => {
  expect(programs).not.toEqual([]);
});

test.skipIf(!hasPython).each(programs)('program $index in Python of $page prints what it says', (program) => {
  mkdirSync(folder, { recursive: true });
  // A file, because a child that is spawned imports the module of its parent.
  const file = join(folder, `${program.page.replace(/\W/g, '_')}_${String(program.index)}.py`);
  writeFileSync(file, program.code);
  expect(execFileSync('python3', [file], { encoding: 'utf8' })).toBe(program.output);
});

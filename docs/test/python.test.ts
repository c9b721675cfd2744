// The programs in Python that stand beside ours. Their text block is their output, too.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { docs, pages } from './pages.js';

const folder = join(docs, '.fixtures', 'python');
const hasPython = spawnSync('python3', ['--version']).status === 0;

const programs = pages.flatMap((page) => {
  const document = readFileSync(join(docs, page), 'utf8');
  return [...document.matchAll(/^```python\n(.*?)^```\n\s*```text\n(.*?)^```$/gms)].map((match) => ({
    page,
    line: document.slice(0, match.index).split('\n').length + 1,
    code: match[1] ?? '',
    output: match[2],
  }));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('pages have programs in Python', () => {
  expect(programs).not.toEqual([]);
});

test.skipIf(!hasPython).each(programs)(
  'the program in Python at line $line of $page prints what it says',
  (program) => {
    mkdirSync(folder, { recursive: true });
    // A file, because a child that is spawned imports the module of its parent.
    const file = join(folder, `${program.page.replace(/\W/g, '_')}_${String(program.line)}.py`);
    writeFileSync(file, program.code);
    expect(execFileSync('python3', [file], { encoding: 'utf8' })).toBe(program.output);
  },
);

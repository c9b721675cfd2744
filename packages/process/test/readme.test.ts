import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { compileTypeScript, fixture } from '@aiopipe/testing';
import { expect, test } from 'vitest';

const readme = readFileSync(fileURLToPath(new URL('../../../README.md', import.meta.url)), 'utf8');

const examples = [...readme.matchAll(/<!-- runs: (\w+) -->\s+```ts\n(.*?)```\s+```text\n(.*?)```/gs)].map(
  ([, name = '', code = '', output = '']) => ({ name, code, output }),
);

test('the README has its two examples', () => {
  expect(examples.map(({ name }) => name)).toEqual(['simplex', 'duplex']);
});

test.each(examples)('the README’s $name example prints what the README says', async ({ name, code, output }) => {
  // Where fixtures are, so that it finds the packages that it imports.
  const program = fixture(`readme-${name}`);
  mkdirSync(dirname(program), { recursive: true });
  writeFileSync(program, await compileTypeScript(code));
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [program]);
    expect({ stdout, stderr }).toEqual({ stdout: output, stderr: '' });
  } finally {
    rmSync(program);
  }
});

import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { compileTypeScript, fixture } from '@aiopipe/testing';
import { expect, it } from 'vitest';

const examples = [...readFileSync('README.md', 'utf8').matchAll(/```ts\n(.*?)```/gs)].map(([, code = ''], index) => ({
  index,
  code,
  /** Of comments such as `// 271`, what is printed there; words such as `line by line` say more than that. */
  printed: [...code.matchAll(/console\.log\(.*\); \/\/ ([^,\n]+(?:, '.*)?)$/gm)].map(([, output = '']) => output),
}));

it('the README has examples', () => {
  expect(examples.length).toBeGreaterThan(5);
});

it.each(examples)('example $index of the README runs, and prints what it says', async ({ index, code, printed }) => {
  // Where fixtures are, so that it finds the packages that it imports.
  const program = fixture(`readme-${String(index)}`);
  mkdirSync(dirname(program), { recursive: true });
  writeFileSync(program, await compileTypeScript(code));
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [program]);
    expect(stderr).toBe('');
    for (const output of printed) expect(stdout.replaceAll('\n', ' ')).toContain(output);
  } finally {
    rmSync(program);
  }
});

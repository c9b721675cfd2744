import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { compileTypeScript, fixture } from '@aiopipe/testing';
import { expect, test } from 'vitest';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const [, code = '', output = ''] = /<!-- runs: register -->\s+```ts\n(.*?)```\s+```text\n(.*?)```/s.exec(readme) ?? [];

test('the README’s classes with getters and private fields are what they were on the other side', async () => {
  const program = fixture('readme-register');
  mkdirSync(dirname(program), { recursive: true });
  writeFileSync(program, await compileTypeScript(code));
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [program]);
    expect({ stdout, stderr }).toEqual({ stdout: output, stderr: '' });
    expect(output).not.toBe('');
  } finally {
    rmSync(program);
  }
});

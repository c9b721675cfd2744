import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fixture, PROGRAM_LIMIT } from '@aiopipe/testing';

const there = realpathSync(tmpdir());
const project = mkdtempSync(join(there, 'aiopipe project '));

const preload = (name: string) => `(globalThis.preloads ??= []).push(${JSON.stringify(name)});`;

beforeAll(() => {
  for (const [path, text] of Object.entries({
    'node_modules/a-package/package.json': '{ "exports": { "import": "./it.mjs", "require": "./it.cjs" } }',
    'node_modules/a-package/it.mjs': preload('package by import'),
    'node_modules/a-package/it.cjs': preload('package by require'),
    'file.mjs': preload('file by import'),
    'file.cjs': preload('file by require'),
    'a name with blanks/file.mjs': preload('file with blanks'),
    'loader.mjs': 'export const resolve = (specifier, context, next) => next(specifier, context);',
  })) {
    mkdirSync(join(project, path, '..'), { recursive: true });
    writeFileSync(join(project, path), text);
  }
});

afterAll(() => {
  rmSync(project, { recursive: true });
});

async function run(execArgv: readonly string[], nodeOptions?: string, ...args: string[]): Promise<unknown> {
  const env = { ...process.env, NODE_OPTIONS: nodeOptions ?? '' };
  const words = [...execArgv, fixture('goes-elsewhere'), there, ...args];
  const { stdout } = await promisify(execFile)(process.execPath, words, { cwd: project, env, timeout: PROGRAM_LIMIT });
  return JSON.parse(stdout);
}

describe('what this program was started with is found by children elsewhere', () => {
  test.each<[string, string[], string | undefined, string[]]>([
    ['a file, by --import', ['--import', './file.mjs'], undefined, ['file by import']],
    ['a package, by --import=', ['--import=a-package'], undefined, ['package by import']],
    ['a file, by -r', ['-r', './file.cjs'], undefined, ['file by require']],
    ['a package, by --require', ['--require', 'a-package'], undefined, ['package by require']],
    ['a loader', ['--no-warnings', '--loader', './loader.mjs'], undefined, []],
    [
      'files and packages in NODE_OPTIONS',
      [],
      '--import ./file.mjs --require=a-package',
      ['file by import', 'package by require'],
    ],
    ['a name with blanks in NODE_OPTIONS', [], '--import "./a name with blanks/file.mjs"', ['file with blanks']],
    ['some in both', ['--import', 'a-package'], '-r ./file.cjs', ['file by require', 'package by import']],
  ])('%s', async (_, execArgv, nodeOptions, preloads) => {
    expect(await run(execArgv, nodeOptions)).toEqual(Array(6).fill({ cwd: there, preloads }));
  });
});

test.each([
  ['with', ['--import', './file.mjs']],
  ['without', []],
])('a directory that is missing is named, %s options to inherit', async (_, execArgv) => {
  expect(await run(execArgv, undefined, 'missing')).toEqual({
    code: 'ERR_AIOPIPE_START',
    names: true,
    cause: 'ENOENT',
  });
});

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { aiopipe } from '@aiopipe/core';
import { spawn, type SpawnOptions } from '@aiopipe/core/internal';
import { leakCheck } from '@aiopipe/testing';
import { thrownBy } from '../helpers.js';

const directory = mkdtempSync(join(tmpdir(), 'aiopipe-search-'));
const checkLeaks = leakCheck();
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await checkLeaks();
});

function file(name: string, text: string | Buffer): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}

async function outputOf(options: Pick<SpawnOptions, 'file' | 'argv' | 'env' | 'cwd'>): Promise<string> {
  const [rx, tx] = aiopipe();
  const program = spawn({ ...options, fds: new Map([[1, tx.fd]]) });
  tx.close();
  await using reader = rx.open();
  const output = String(await reader.read());
  await program.exited;
  return output;
}

describe('a script without #! is run by the shell, as execvp(3) does', () => {
  test.each([[], ['one'], ['one', 'two words', '']])('with its arguments %#', async (...words) => {
    const script = file('script', 'printf "%s|" "$0" "$@"\n');
    expect(await outputOf({ file: script, argv: ['its name', ...words] })).toBe(
      [script, ...words].map((word) => `${word}|`).join(''),
    );
  });

  test('also if it is found along PATH', async () => {
    file('found', 'echo found\n');
    expect(await outputOf({ file: 'found', argv: ['found'], env: { PATH: `/nowhere:${directory}` } })).toBe('found\n');
  });
});

describe('a program whose interpreter is missing is an error that names it', () => {
  const start = (path: string, cwd?: string) =>
    thrownBy(() => spawn({ file: path, argv: [path], cwd, fds: new Map(), env: { PATH: directory } }));

  test.each([
    ['is not there', '#!/no/such/interpreter -x\n', '/no/such/interpreter'],
    ['is not there, of a file from Windows', '#!/bin/sh\r\necho\r\n', '/bin/sh\r'],
    ['is not executable', '#! /etc/passwd\n', '/etc/passwd'],
  ])('%s', (_name, text, interpreter) => {
    const path = file('needs-it', text);
    for (const error of [start(path), start('needs-it'), start('./needs-it', directory)]) {
      expect(error).toMatchObject({ syscall: 'execve', path: interpreter });
      expect(['ENOENT', 'EACCES']).toContain(error.code);
      expect(error.message).toContain(JSON.stringify(interpreter));
      expect(error.message).toContain('needs-it');
    }
  });

  test.runIf(process.platform === 'linux')('is the loader of another C library', () => {
    const program = execFileSync('cat', [process.execPath], { maxBuffer: 1 << 30 }).subarray(0, 4096);
    const loader = /\/lib[^\0]*ld-[^\0]*/.exec(program.toString('latin1'))?.[0] ?? '';
    const other = Buffer.from(program);
    other.write('/x'.padEnd(4, 'x'), program.indexOf(loader), 'latin1');
    const path = file('of-another-libc', other);
    expect(start(path)).toMatchObject({ code: 'ENOENT', path: `/xxx${loader.slice(4)}` });
  });
});

describe('the search along PATH goes on after a directory', () => {
  test.each([
    ['whose name is too long', () => '/x'.repeat(3000)],
    ['with a part that is too long', () => `/${'x'.repeat(300)}`],
    ['that is a file', () => '/etc/passwd'],
    [
      'that is a circle of links',
      () => {
        const link = join(directory, 'circle');
        symlinkSync(link, link);
        return link;
      },
    ],
    [
      'with a directory of that name',
      () => {
        mkdirSync(join(directory, 'sub', 'there'), { recursive: true });
        return join(directory, 'sub');
      },
    ],
  ])('%s', async (_name, make) => {
    file('there', '#!/bin/sh\necho there\n');
    const first = make();
    expect(await outputOf({ file: 'there', argv: ['there'], env: { PATH: `${first}:${directory}` } })).toBe('there\n');
    const error = thrownBy(() =>
      spawn({ file: 'nope', argv: ['nope'], fds: new Map(), env: { PATH: `${directory}:${first}` } }),
    );
    expect(error).toMatchObject({ code: 'ENOENT', path: 'nope' });
  });

  test('and a path by itself has its own error', () => {
    const long = `/${'x'.repeat(300)}`;
    expect(thrownBy(() => spawn({ file: long, argv: ['x'], fds: new Map() })).code).toBe('ENAMETOOLONG');
  });
});

import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { startProcess } from '@aiopipe/process';
import { fixture, leakCheck } from '@aiopipe/testing';
import { tellRole } from '../fixtures/asks-its-role.js';
import { describeSelf } from '../fixtures/tells-about-itself.js';

const directory = mkdtempSync(join(tmpdir(), 'aiopipe-exec-argv-'));
const checkLeaks = leakCheck();
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await checkLeaks();
});

/** The options that a child has of a program that was started with these, and with its code as an option, too. */
async function inheritedFrom(...options: string[]): Promise<unknown> {
  const module = JSON.stringify(pathToFileURL(fixture('tells-about-itself')).href);
  const code = `
    import { startProcess } from '@aiopipe/process';
    const child = startProcess(new URL(${module}), { export: 'describeSelf' });
    console.log(JSON.stringify((await child.result).execArgv));`;
  const { stdout } = await promisify(execFile)(process.execPath, [...options, '--input-type=module', '-e', code]);
  return JSON.parse(stdout);
}

test('a child inherits what is about how code is loaded and run', async () => {
  const options = ['--no-warnings', '--conditions=special', '--conditions', 'other', '--max-old-space-size=200'];
  expect(await inheritedFrom(...options)).toEqual(options);
});

test('a child inherits a value that stands apart, and one of an option with a similar name', async () => {
  const options = ['-C', 'other', '--no-warnings', '--trace-warnings', '--preserve-symlinks'];
  expect(await inheritedFrom(...options)).toEqual(options);
});

test('a child does not read its parent’s env file again', async () => {
  const file = join(directory, 'env');
  writeFileSync(file, 'FROM_FILE=yes\n');
  expect(await inheritedFrom('--env-file', file, '--no-warnings')).toEqual(['--no-warnings']);
  expect(await inheritedFrom(`--env-file=${file}`)).toEqual([]);
});

test.each([
  [['--title=parent', '--title', 'parent', '--no-warnings']],
  [['--watch-path', '/tmp', '--test-name-pattern', 'a b', '--experimental-test-coverage', '--no-warnings']],
  [['--trace-event-categories', 'v8', '--prof', '--heap-prof-interval=1', '--no-warnings']],
  [['--snapshot-blob', 'a.blob', '-e', '1', '-p', '2', '--input-type', 'module', '--no-warnings']],
  [['--debug-port', '9229', '--inspect-brk', '--inspect-wait=0', '--no-warnings']],
])('of %j a child inherits the last word', (options) => {
  const before = process.execArgv;
  process.execArgv = options;
  try {
    const child = startProcess(describeSelf);
    return expect(child.result).resolves.toMatchObject({ execArgv: ['--no-warnings'] });
  } finally {
    process.execArgv = before;
  }
});

describe('of NODE_OPTIONS', () => {
  const options = '--inspect=127.0.0.1:9329 --no-warnings --title="a b" --inspect-publish-uid=http --inspect-port 9330';

  async function nodeOptionsOfChild(nodeOptions: string, env?: NodeJS.ProcessEnv): Promise<string | undefined> {
    const before = process.env['NODE_OPTIONS'];
    process.env['NODE_OPTIONS'] = nodeOptions;
    try {
      return (await startProcess(describeSelf, { env, stderr: 'inherit' }).result).env['NODE_OPTIONS'];
    } finally {
      if (before === undefined) delete process.env['NODE_OPTIONS'];
      else process.env['NODE_OPTIONS'] = before;
    }
  }

  test('a child inherits all but a debugger’s port, which is taken', async () => {
    expect(await nodeOptionsOfChild(options)).toBe('--no-warnings --title="a b"');
    expect(await nodeOptionsOfChild(options, { NODE_OPTIONS: options, PATH: '' })).toBe('--no-warnings --title="a b"');
  });

  test('a child gets what was chosen for it', async () => {
    const env = { NODE_OPTIONS: '--inspect=0 --no-warnings' };
    expect(await nodeOptionsOfChild(options, env)).toBe(env.NODE_OPTIONS);
    expect(await nodeOptionsOfChild('--max-old-space-size=200 --no-warnings')).toContain('--max-old-space-size=200');
  });
});

test('a child does not inherit what is about this run of its parent', async () => {
  expect(await inheritedFrom('--inspect=0', '--inspect-port', '0', '--inspect-publish-uid', 'http')).toEqual([]);
  const profiles = mkdtempSync(join(directory, 'profiles-'));
  const profile = ['--cpu-prof', '--cpu-prof-dir', profiles, '--cpu-prof-name', 'parent.cpuprofile'];
  expect(await inheritedFrom('--no-warnings', ...profile)).toEqual(['--no-warnings']);
  expect(readdirSync(profiles)).toEqual(['parent.cpuprofile']);
});

describe('a module that --import names', () => {
  const execArgv = ['--import', pathToFileURL(fixture('asks-its-role')).href];

  test('knows that it is in a child', async () => {
    expect(await startProcess(tellRole, { execArgv, name: 'asked' }).result).toEqual({ asked: true, args: ['asked'] });
  });

  test('cannot start children of children without end', async () => {
    const env = { ...process.env, STARTS_MORE: '1' };
    const child = startProcess(tellRole, { execArgv, env, stderr: 'pipe' });
    await using stderr = child.stderr.open();
    const told = String(await stderr.read());
    expect(told).toContain('starts a process 10 levels of children deep');
    await expect(child.result).rejects.toMatchObject({ code: 'ERR_AIOPIPE_START' });
  });
});

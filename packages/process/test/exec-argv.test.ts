import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { fixture, leakCheck } from '@aiopipe/testing';

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

test('a child does not inherit what is about this run of its parent', async () => {
  expect(await inheritedFrom('--inspect=0', '--inspect-port', '0', '--inspect-publish-uid', 'http')).toEqual([]);
  const profile = ['--cpu-prof', '--cpu-prof-dir', directory, '--cpu-prof-name', 'parent.cpuprofile'];
  expect(await inheritedFrom('--no-warnings', ...profile)).toEqual(['--no-warnings']);
  expect(readdirSync(directory)).toEqual(['parent.cpuprofile']);
});

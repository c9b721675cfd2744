// Two copies of the package in one program, as two versions of it in a dependency tree.
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EncodeError } from '@aiopipe/codec';
import * as ours from '@aiopipe/process';
import { leakCheck } from '@aiopipe/testing';
import { join as joinWords } from '../fixtures/echoes.js';
import { waits } from '../fixtures/ends-somehow.js';
import { thrownBy } from '../helpers.js';

const { Pool, Prefork, startProcess, Supervisor, target } = ours;
const directory = mkdtempSync(join(tmpdir(), 'aiopipe-copy-'));
const checkLeaks = leakCheck();
let other: typeof ours;

beforeAll(async () => {
  cpSync('dist', join(directory, 'dist'), { recursive: true });
  cpSync('package.json', join(directory, 'package.json'));
  symlinkSync(join(process.cwd(), 'node_modules'), join(directory, 'node_modules'));
  other = (await import(pathToFileURL(join(directory, 'dist', 'index.js')).href)) as typeof ours;
  expect(other.startProcess).not.toBe(startProcess);
});

afterAll(async () => {
  rmSync(directory, { recursive: true });
  await checkLeaks();
});

test('a prefork of another copy is refused, with what to do', async () => {
  await using prefork = new other.Prefork({ size: 1 });
  const refusal =
    'prefork: it was made by another copy of @aiopipe/process; make it with the copy that starts the child';
  expect(thrownBy(() => startProcess(waits, { prefork: prefork as never })).message).toBe(refusal);
  const options = { prefork: prefork as never };
  expect(thrownBy(() => new Pool(waits, { options })).message).toBe(`options.${refusal}`);
  expect(thrownBy(() => new Supervisor([{ id: 'a', target: waits, options }])).message).toContain(refusal);
  await using own = new Prefork({ size: 1 });
  expect(thrownBy(() => other.startProcess(waits, { prefork: own as never })).message).toBe(refusal);
});

test('a target of another copy is a target, in both directions', async () => {
  const named = other.target(
    new URL('./echoes.js', pathToFileURL(join(process.cwd(), '.fixtures/x'))).href,
    'join',
    joinWords,
  );
  expect(await startProcess(named, { args: ['a', 'b'] }).result).toBe('a b');
  const here = target(named.url, 'join', joinWords);
  expect(await other.startProcess(here, { args: ['c', 'd'] }).result).toBe('c d');
});

test('a child of another copy is no argument, and the error says where it stands', async () => {
  const child = other.startProcess(waits);
  const error = thrownBy(() => startProcess(waits as never, { args: [{ child }] } as never));
  expect(error).toBeInstanceOf(EncodeError);
  expect(error.message).toMatch(/^args\[0\]\.child: .*ProcessHandle/);
  child.kill('SIGKILL');
  await child.join();
});

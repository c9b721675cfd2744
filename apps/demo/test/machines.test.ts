// The census over machines, as the demo starts them: a nats-server of its own, and three processes that serve.
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { childPids, commandOf, isRunning, leakCheck, until } from '@aiopipe/testing';
import {
  census,
  main,
  makeTree,
  manyFiles,
  preloaded,
  processesOf,
  runDemo,
  startDemo,
  temporaryDirectory,
  waitFor,
  withProgram,
  type Run,
} from './helpers.js';

afterAll(leakCheck());

const natsServer = (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, 'nats-server')));

describe.skipIf(!natsServer)('--machines', { timeout: 120_000 }, () => {
  let folder: string;
  const env = (more: NodeJS.ProcessEnv = process.env) => ({ ...more, TMPDIR: folder });
  beforeEach(() => {
    folder = temporaryDirectory();
  });
  /** So many files that it is still at work when all machines have started. */
  const large = manyFiles(1000);
  const running = (run: Run, what: string) =>
    until(`${what} runs`, () => processesOf(run.pid).some((line) => line.includes(what)), 60_000);
  const nothingIsLeft = () => {
    expect(readdirSync(folder)).toEqual([]);
  };

  test('counts the same as one machine, over all of them', async () => {
    const tree = manyFiles(300);
    const one = await census([tree]);
    const three = await census([tree, '--machines', '3', '--workers', '2'], { env: env() });
    const { files, lines, bytes, matches, extensions, duplicates } = one;
    expect(three).toMatchObject({ files, lines, bytes, matches, extensions, duplicates, verified: true, restarts: 0 });
    expect(three.machines.map(({ name }) => name)).toEqual(['machine-1', 'machine-2', 'machine-3']);
    expect(three.machines.reduce((sum, machine) => sum + machine.files, 0)).toBe(300);
    nothingIsLeft();
  });

  test('twice gives the same', async () => {
    const args = [manyFiles(20), '--machines', '2', '--workers', '1'];
    const [first, second] = [await runDemo(args, { env: env() }), await runDemo(args, { env: env() })];
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(second).toMatchObject({ code: 0, stderr: '', lastLine: first.lastLine });
    nothingIsLeft();
  });

  test('a killed machine changes no figure', async () => {
    const found = await census([manyFiles(300), '--machines', '3', '--workers', '1', '--chaos', '1'], { env: env() });
    expect(found).toMatchObject({ files: 300, lines: 300, matches: 300, verified: true, skipped: [], kills: 1 });
    nothingIsLeft();
  });

  test('a machine dies with all its workers in the middle of its files, and others count these', async () => {
    const marks = temporaryDirectory();
    // The first worker that comes to a file stops there.
    const holds = `
      import fs from 'node:fs';
      import { syncBuiltinESMExports } from 'node:module';
      const { openSync } = fs;
      const isFirst = () => {
        try {
          fs.mkdirSync('${marks}/held');
          return true;
        } catch {
          return false;
        }
      };
      fs.openSync = (path, ...more) => {
        if (String(path).endsWith('.txt') && isFirst()) {
          fs.symlinkSync(String(process.ppid), '${marks}/machine');
          process.kill(process.pid, 'SIGSTOP');
        }
        return openSync(path, ...more);
      };
      syncBuiltinESMExports();
    `;
    const args = [manyFiles(60), '--machines', '3', '--workers', '2', '--json'];
    const run = startDemo(args, { env: env(preloaded(holds)) });
    await until('a worker has come to a file', () => readdirSync(marks).includes('machine'), 60_000);
    const machine = Number(readlinkSync(join(marks, 'machine')));
    const workers = childPids(machine);
    expect(workers.length).toBeGreaterThan(0);
    process.kill(machine, 'SIGKILL');
    await until('its workers are gone', () => !workers.some((pid) => isRunning(pid)));
    const { code, stdout } = await waitFor(run);
    expect(JSON.parse(stdout)).toMatchObject({ files: 60, lines: 60, verified: true, skipped: [], restarts: 1 });
    expect(code).toBe(0);
    nothingIsLeft();
  });

  test('a file at which workers die is skipped', async () => {
    const dies = `
      import fs from 'node:fs';
      import { syncBuiltinESMExports } from 'node:module';
      const { openSync } = fs;
      fs.openSync = (path, ...more) => String(path) === 'b' ? process.kill(process.pid, 'SIGKILL') : openSync(path, ...more);
      syncBuiltinESMExports();
    `;
    const tree = makeTree({ a: 'x\n', b: 'x\n', c: 'x\n' });
    const found = await census([tree, '--machines', '2', '--workers', '1'], { env: env(preloaded(dies)) });
    expect(found).toMatchObject({ files: 2, verified: true, skipped: [{ path: 'b', reason: '3 workers died at it' }] });
  });

  test('a file that cannot be read is skipped with its reason, and an empty tree is verified', async () => {
    const gone = withProgram('find', 'find "$@"; rm -f b');
    const found = await census([makeTree({ a: 'x\n', b: 'x\n' }), '--machines', '1'], { env: env(gone) });
    expect(found).toMatchObject({ files: 1, verified: true, skipped: [{ path: 'b' }] });
    expect(await census([makeTree({}), '--machines', '2'], { env: env() })).toMatchObject({ files: 0, verified: true });
    nothingIsLeft();
  });

  /** The demo, held up where it runs a program. */
  async function heldUp(program: string): Promise<Run> {
    const held = withProgram(program, 'exec sleep 1000');
    const run = startDemo([manyFiles(20), '--machines', '3', '--workers', '1'], { env: env(held) });
    await running(run, 'sleep 1000');
    return run;
  }

  test.each([
    ['while it lists', 'sort'],
    ['while it verifies', 'sha1sum'],
  ])('Ctrl-C %s leaves nothing: no process, no store', async (_, program) => {
    const run = await heldUp(program);
    process.kill(-run.pid, 'SIGINT');
    expect(await waitFor(run)).toMatchObject({ code: 130, stderr: '' });
    nothingIsLeft();
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('%s while the machines start or work leaves nothing', async (signal) => {
    const run = startDemo([large, '--machines', '3', '--workers', '2'], { env: env() });
    await running(run, 'machine-3');
    process.kill(run.pid, signal);
    expect(await waitFor(run)).toMatchObject({ code: signal === 'SIGINT' ? 130 : 143, stderr: '' });
    nothingIsLeft();
  });

  test('SIGKILL leaves no server, no machine and no worker', async () => {
    const run = startDemo([large, '--machines', '2', '--workers', '1'], { env: env() });
    await running(run, 'machine-2');
    process.kill(run.pid, 'SIGKILL');
    expect(await waitFor(run)).toMatchObject({ signal: 'SIGKILL' });
  });

  test('a server that ends ends the census with a message', async () => {
    const run = startDemo([large, '--machines', '2', '--workers', '1'], { env: env() });
    await running(run, 'machine-2');
    const pid = childPids(run.pid).find((child) => commandOf(child)[0] === 'nats-server');
    process.kill(pid as number, 'SIGKILL');
    expect(await waitFor(run)).toMatchObject({ code: 1, stderr: 'demo: nats-server has ended\n' });
    nothingIsLeft();
  });

  test('the bar on a terminal says how many machines run', async () => {
    const line = `'${process.execPath}' '${main}' '${manyFiles(300)}' --machines 2 --workers 1`;
    const { stdout } = await runDemo([], {
      env: env(),
      argv: ['script', '-qec', `stty cols 80; ${line}`, '/dev/null'],
    });
    expect(stdout).toMatch(/[░█]{10} \d+% \| \d+\/300 files \| .*B\/s \| .+ left \| 2 of 2 machines/);
    expect(stdout).toMatch(/machine-1 counted \d+ files/);
    expect(stdout.trimEnd()).toMatch(/verified against coreutils: 300 files.*$/);
  });

  test('the live page says how many machines run', async () => {
    const run = startDemo([manyFiles(10), '--machines', '2', '--workers', '1', '--web'], { env: env() });
    const second = () => run.text.stderr.split('\n').length > 2;
    await until('the second round begins', second, 60_000);
    process.kill(run.pid, 'SIGINT');
    const { code, stdout } = await waitFor(run);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringContaining('2 machines of 1 worker, 0 restarts'),
    });
    nothingIsLeft();
  });
});

test('without nats-server, --machines says what is missing, and exits with 2', async () => {
  const path = temporaryDirectory();
  const run = await runDemo([manyFiles(1), '--machines', '3'], { env: { ...process.env, PATH: path } });
  expect(run).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/^demo: --machines needs nats-server/),
  });
  expect(readdirSync(path)).toEqual([]);
});

test.each(['-1', '1.5', '65', 'many'])('--machines %s is refused', async (number) => {
  const { code, stderr } = await runDemo([manyFiles(1), '--machines', number]);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('whole number from 0 to 64') });
});

import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { childPids, commandOf, isRunning, leakCheck, until } from '@aiopipe/testing';
import {
  census,
  makeTree,
  manyFiles,
  preloaded,
  runDemo,
  startDemo,
  temporaryDirectory,
  untilRunning,
  waitFor,
  withProgram,
} from './helpers.js';

afterAll(leakCheck());

const FIGURES = { files: 400, lines: 400, matches: 400, verified: true, mismatches: [], skipped: [] };

test('chaos changes no figure, and each kill brings a restart', async () => {
  const tree = manyFiles(400);
  const calm = await census([tree]);
  expect(calm).toMatchObject({ ...FIGURES, kills: 0, restarts: 0 });
  const wild = await census([tree, '--workers', '2', '--chaos', '5']);
  expect(wild).toMatchObject({ ...FIGURES, bytes: calm.bytes, kills: 5, restarts: 5 });
  expect(wild.duplicates).toEqual(calm.duplicates);
  expect(wild.extensions).toEqual(calm.extensions);
});

test('much chaos among many workers changes none either', async () => {
  const { kills, restarts, ...figures } = await census([manyFiles(400), '--workers', '8', '--chaos', '20']);
  expect(figures).toMatchObject(FIGURES);
  expect(kills).toBeGreaterThan(5);
  expect(restarts).toBe(kills);
});

test('chaos in a tiny tree ends', async () => {
  const tree = manyFiles(3);
  for (let round = 0; round < 3; round++) {
    expect(await census([tree, '--workers', '2', '--chaos', '5'])).toMatchObject({ files: 3, verified: true });
  }
  expect(await census([makeTree({}), '--chaos', '5'])).toMatchObject({ files: 0, kills: 0, verified: true });
}, 120_000);

test('there may be more workers than files', async () => {
  expect(await census([manyFiles(5), '--workers', '12'])).toMatchObject({ files: 5, workers: 12, verified: true });
});

test('two runs at once do not disturb each other', async () => {
  const trees = [manyFiles(100), manyFiles(150)];
  const found = await Promise.all(trees.map((tree) => census([tree, '--chaos', '2'])));
  expect(found).toMatchObject([
    { files: 100, verified: true },
    { files: 150, verified: true },
  ]);
});

test('a worker that another process kills is replaced', async () => {
  const gate = join(temporaryDirectory(), 'gate');
  // The list comes when the worker is dead.
  const env = withProgram('sort', `until [ -e '${gate}' ]; do sleep 0.01; done; exec sort "$@"`);
  const run = startDemo([manyFiles(40), '--workers', '1', '--json'], { env });
  await untilRunning(run, 'census-1');
  const [worker = 0] = childPids(run.pid).filter((pid) => commandOf(pid).at(-1) === 'census-1');
  process.kill(worker, 'SIGKILL');
  await until('it is dead', () => !isRunning(worker));
  writeFileSync(gate, '');
  const { stdout } = await waitFor(run);
  expect(JSON.parse(stdout)).toMatchObject({ files: 40, kills: 0, restarts: 1, verified: true });
});

test('a file at which workers die is skipped, and all others are counted', async () => {
  const tree = makeTree({ a: 'error\n', deadly: 'error\n', z: 'error\n' });
  const found = await census([tree, '--workers', '2'], { env: preloaded(DIES_AT_A_FILE) });
  expect(found).toMatchObject({ files: 2, restarts: 3, verified: true });
  expect(found.skipped).toEqual([{ path: 'deadly', reason: '3 workers died at it' }]);
});

test('workers that die again and again end it with a message', async () => {
  const { code, stdout, stderr } = await runDemo([manyFiles(3)], {
    env: preloaded(DIES_AS_A_WORKER),
  });
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/demo: the supervisor gave up: /);
  expect(stderr).not.toMatch(/^\s+at /m);
});

test('restarted workers leave no descriptor behind', async () => {
  const tree = manyFiles(200);
  // What is looked at waits in the verification, when all workers have ended.
  const env = withProgram('sha1sum', 'exec sleep 1000');
  let calm = Infinity;
  for (const args of [
    ['--workers', '1'],
    ['--workers', '4', '--chaos', '10'],
  ]) {
    const run = startDemo([tree, ...args], { env });
    await untilRunning(run, 'sleep 1000', 2);
    // xargs, sort and sha1sum: childPids() leaves the guard out.
    await until('the other chains have ended', () => childPids(run.pid).length === 3);
    // Node closes the pipes of what has ended some turns later.
    await until(`no more than ${String(calm)} pipes and sockets are open`, () => openIn(run.pid) <= calm);
    calm = openIn(run.pid);
    process.kill(run.pid, 'SIGTERM');
    await waitFor(run);
  }
});

/** Pipes and sockets of another process. */
function openIn(pid: number): number {
  return readdirSync(`/proc/${String(pid)}/fd`).filter((fd) => /^(pipe|socket):/.test(target(pid, fd))).length;
}

function target(pid: number, fd: string): string {
  try {
    return readlinkSync(`/proc/${String(pid)}/fd/${fd}`);
  } catch {
    return '';
  }
}

const DIES_AS_A_WORKER = `if (process.argv.some((word) => word.startsWith('census-'))) process.exit(3);`;

const DIES_AT_A_FILE = `
  import fs from 'node:fs';
  import { syncBuiltinESMExports } from 'node:module';
  const { openSync } = fs;
  fs.openSync = (path, ...more) => {
    if (String(path) === 'deadly') process.kill(process.pid, 'SIGKILL');
    return openSync(path, ...more);
  };
  syncBuiltinESMExports();
`;
